//! The built-in suite is compiled in; a feature file that is added or changed must rebuild the crate.
fn main() {
    println!("cargo::rerun-if-changed=zh");
    println!("cargo::rerun-if-changed=en");
}
