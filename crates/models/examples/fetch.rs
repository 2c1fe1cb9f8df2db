//! Fetches the models named on the command line into the user's cache and says where they are.
#![allow(clippy::print_stdout, reason = "an example's output")]

use models::{Cache, Fetch};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::var_os("GEMMA_BURGER_CACHE").map(Into::into).or_else(models::default_cache_dir);
    let cache = Cache::new(root.ok_or("no home directory")?);
    for name in std::env::args().skip(1) {
        let start = std::time::Instant::now();
        let files = models::fetch(&name.parse()?, &cache, &Fetch::default(), &mut *models::bars())?;
        for file in &files.files {
            println!("{} {} bytes, {:.1} ms", file.path.display(), file.size, start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(())
}
