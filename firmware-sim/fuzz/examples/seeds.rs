//! Writes the seeds into `corpus/TARGET/`. Run it in `firmware-sim/fuzz` when the walk, a layout or a dialect changed:
//! `cargo run --example seeds`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let seeds = ukey_fuzz::seeds::all();
    for (target, name, bytes) in &seeds {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(name), bytes)?;
    }
    println!("{} seeds in {}", seeds.len(), corpus.display());
    Ok(())
}
