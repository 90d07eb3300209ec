//! Writes the fixture's pages into a folder, to be looked at. In: a folder. Out: twelve HTML files.
//!
//! `cargo run -p nongshi-reports --example look -- /tmp/look`

#[path = "../tests/fixture/mod.rs"]
mod fixture;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("name a folder to write the pages into")?;
    let folder = std::path::Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    for (name, html) in fixture::pages()? {
        std::fs::write(folder.join(format!("{name}.html")), html)?;
    }
    Ok(())
}
