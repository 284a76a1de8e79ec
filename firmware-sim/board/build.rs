//! Each board has its own memory: `link.x` of `cortex-m-rt` includes the `memory.x` of the board's folder.

fn main() {
    let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
    for board in ["mps2-an386", "ast1030-evb"] {
        println!("cargo::rustc-link-arg-bin={board}=-L{folder}/memory/{board}");
        println!("cargo::rerun-if-changed=memory/{board}/memory.x");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
