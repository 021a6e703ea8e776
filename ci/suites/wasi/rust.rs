//! A Rust program as people write them, over std alone: arguments, environment, files,
//! directories, collections, formatting, time, errors. Deterministic, so that its output can be
//! compared with the native build's.
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant, SystemTime};

fn files(root: &str) -> io::Result<()> {
    let dir = format!("{root}/pith-rust-test");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(format!("{dir}/a/b/c"))?;
    let path = format!("{dir}/a/numbers.txt");
    let mut file = fs::File::create(&path)?;
    for number in 0..1000 {
        writeln!(file, "{number} {}", number * number)?;
    }
    drop(file);
    let sum: u64 = BufReader::new(fs::File::open(&path)?)
        .lines()
        .map(|line| line.unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap())
        .sum();
    println!("sum of squares {sum}, size {}", fs::metadata(&path)?.len());

    let mut file = fs::OpenOptions::new().read(true).write(true).append(false).open(&path)?;
    file.seek(SeekFrom::End(-7))?;
    let mut tail = String::new();
    file.read_to_string(&mut tail)?;
    file.set_len(10)?;
    println!("tail {tail:?}, then size {}", file.metadata()?.len());

    fs::write(format!("{dir}/a/b/one"), "1")?;
    fs::copy(format!("{dir}/a/b/one"), format!("{dir}/a/b/two"))?;
    fs::rename(format!("{dir}/a/b/two"), format!("{dir}/a/b/c/three"))?;
    fs::hard_link(format!("{dir}/a/b/one"), format!("{dir}/a/b/four"))?;
    let mut appended = fs::OpenOptions::new().append(true).open(format!("{dir}/a/b/one"))?;
    appended.write_all(b"23")?;
    println!("four is {:?}", fs::read_to_string(format!("{dir}/a/b/four"))?);
    let mut names: Vec<_> = fs::read_dir(format!("{dir}/a/b"))?
        .map(|entry| {
            let entry = entry.unwrap();
            let kind = if entry.file_type().unwrap().is_dir() { "dir" } else { "file" };
            format!("{}:{kind}", entry.file_name().to_string_lossy())
        })
        .collect();
    names.sort();
    println!("{}", names.join(" "));

    println!("{:?}", fs::write(format!("{dir}/none/x"), "x").unwrap_err().kind());
    println!("{:?}", fs::create_dir(&dir).unwrap_err().kind());
    for wrong in [format!("{path}/below"), dir.clone()] {
        println!("{}", fs::write(&wrong, "x").is_err());
    }
    println!("{:?}", fs::remove_dir(format!("{dir}/a")).is_err());
    fs::remove_dir_all(&dir)?;
    println!("gone: {}", fs::metadata(&dir).is_err());
    Ok(())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    println!("{} arguments: {arguments:?}", arguments.len());
    println!("PITH_TEST is {:?}", std::env::var("PITH_TEST").ok());

    let mut words: BTreeMap<char, Vec<String>> = BTreeMap::new();
    for word in "the quick brown fox jumps over the lazy dog".split(' ') {
        words.entry(word.chars().next().unwrap()).or_default().push(word.to_uppercase());
    }
    println!("{words:?}");
    println!("{:>10.4}|{:<8}|{:#x}|{:e}", std::f64::consts::PI, "left", 255, 12345.678);

    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(20));
    println!("slept: {}", start.elapsed() >= Duration::from_millis(20));
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    println!("the clock is set: {}", since.as_secs() > 1_600_000_000);

    if let Err(error) = files("/tmp") {
        println!("files: {error}");
        std::process::exit(1);
    }
    io::stderr().write_all(b"to standard error\n").unwrap();
    std::process::exit(if arguments.first().map_or(false, |first| first == "fail") { 3 } else { 0 });
}
