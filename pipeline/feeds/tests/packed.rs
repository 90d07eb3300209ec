//! Packed files: gzip, zstd and zip, told by their bytes; what would fill the memory or leave its place is refused.

use flate2::write::GzEncoder;
use futures::TryStreamExt;
use nongshi_feeds::{Contract, FeedError, Outside, Source, fetch, members, parse};
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

const PLOTS: &str = r#"
version = 1
table = "plots"
[source]
kind = "files"
root = "."
files = ["inbox/*"]
[format]
kind = "csv"
[columns]
base = { value = "甲" }
plot = { from = "地块" }
system = { from = "类型" }
area_mu = { from = "面积", unit = "亩", above = 0 }
[available_on]
day = "2024-01-01"
"#;
const CSV: &str = "地块,类型,面积\nA,露天,1\nB,露天,x\n";

fn contract(format: &str) -> Contract {
    let text = PLOTS.replace("kind = \"csv\"", format);
    Contract::read("plots", &text).unwrap_or_else(|error| panic!("{error}; {:?}", error.hint()))
}

fn file(bytes: impl Into<Vec<u8>>) -> Source {
    Source { address: "inbox/drop".into(), bytes: bytes.into().into() }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).expect("memory");
    packed.finish().expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("memory")
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, SimpleFileOptions::default()).expect("a name");
        archive.write_all(bytes).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

/// `address: accepted + rejected` of each member.
fn told(contract: &Contract, file: &Source) -> Result<Vec<String>, FeedError> {
    let each = members(contract, file)?.into_iter().map(|member| {
        let source = member.unpack(contract, file)?;
        let parsed = parse(contract, &source)?;
        Ok(format!("{}: {} + {}", source.address, parsed.accepted.num_rows(), parsed.rejected.len()))
    });
    each.collect()
}

#[track_caller]
fn refused(bytes: Vec<u8>, words: &str) {
    let error = told(&contract("kind = \"csv\""), &file(bytes)).expect_err(words);
    assert!(matches!(error, FeedError::Unreadable { .. }), "{error}");
    assert!(error.to_string().contains(words), "`{words}` is not said: {error}");
}

#[test]
fn what_is_packed_is_told_by_its_bytes_and_reads_as_if_it_were_not() {
    let csv = contract("kind = \"csv\"");
    for bytes in [CSV.as_bytes().to_vec(), gzip(CSV.as_bytes()), zstd(CSV.as_bytes())] {
        assert_eq!(told(&csv, &file(bytes)).expect("readable"), ["inbox/drop: 1 + 1"]);
    }
    // two members one behind the other are one file, as `cat a.gz b.gz` makes it
    let (head, tail) = CSV.split_at(20);
    assert_eq!(told(&csv, &file([gzip(head.as_bytes()), gzip(tail.as_bytes())].concat())).expect("readable"), ["inbox/drop: 1 + 1"]);
}

#[test]
fn each_member_of_an_archive_is_a_source_of_its_own() {
    let bytes = zip(&[
        ("2024/二月.csv", CSV.as_bytes()),
        ("2024/", b""),
        ("2024/一月.csv", CSV.as_bytes()),
        ("__MACOSX/._x", b"litter"),
        (".DS_Store", b"litter"),
    ]);
    let expect = ["inbox/drop!2024/一月.csv: 1 + 1", "inbox/drop!2024/二月.csv: 1 + 1"];
    assert_eq!(told(&contract("kind = \"csv\""), &file(bytes)).expect("readable"), expect);
}

#[test]
fn a_name_in_gbk_is_read() {
    let (name, _, _) = encoding_rs::GBK.encode("地块.csv");
    let plain = "x".repeat(name.len());
    let bytes = zip(&[(&plain, CSV.as_bytes())]);
    let bytes = replaced(&bytes, plain.as_bytes(), &name);
    assert_eq!(told(&contract("kind = \"csv\""), &file(bytes)).expect("readable"), ["inbox/drop!地块.csv: 1 + 1"]);
}

/// The bytes with every occurrence of one text as another of the same length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}

#[test]
fn a_name_that_leads_out_of_the_archive_refuses_it() {
    for name in ["../plots.csv", "a/../../plots.csv", "/etc/plots.csv", "..\\plots.csv", "c:plots.csv"] {
        refused(zip(&[("good.csv", CSV.as_bytes()), (name, CSV.as_bytes())]), "leads out of the archive");
    }
}

#[test]
fn two_members_with_one_name_are_not_taken_for_one() {
    let bytes = zip(&[("one.csv", CSV.as_bytes()), ("two.csv", CSV.as_bytes())]);
    refused(replaced(&bytes, b"two.csv", b"one.csv"), "have the same name");
}

#[test]
fn bombs_are_refused_before_they_fill_the_memory() {
    let blanks = vec![b' '; 64 << 20];
    refused(gzip(&blanks), "unpacks to more than");
    refused(zstd(&blanks), "unpacks to more than");
    refused(zip(&[("bomb.csv", &blanks)]), "it unpacks to 67108864 bytes");
    // an archive that lies about how large its member is: the list says 100 bytes
    let honest = zip(&[("bomb.csv", &blanks)]);
    refused(replaced(&honest, &(64_u32 << 20).to_le_bytes(), &100_u32.to_le_bytes()), "inbox/drop!bomb.csv");
    refused(gzip(&gzip(CSV.as_bytes())), "packed twice");
    refused(zip(&[("inner.zip", &zip(&[("plots.csv", CSV.as_bytes())]))]), "packed twice");
    let many: Vec<String> = (0..10_001).map(|number| format!("{number}.csv")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    refused(zip(&many), "10000 is the most");
}

#[test]
fn what_is_cut_off_is_refused() {
    for packed in [gzip(CSV.as_bytes()), zstd(CSV.as_bytes()), zip(&[("plots.csv", CSV.as_bytes())])] {
        for cut in [5, packed.len() / 2, packed.len() - 1] {
            let error = told(&contract("kind = \"csv\""), &file(&packed[..cut])).expect_err("cut off");
            assert!(matches!(error, FeedError::Unreadable { .. }), "{error}");
        }
    }
    refused(zip(&[]), "an archive without a file");
}

#[tokio::test]
async fn the_bytes_that_are_fetched_are_those_that_lie_there() {
    let store = InMemory::new();
    let packed = gzip(CSV.as_bytes());
    store.put(&"inbox/plots.csv".into(), packed.clone().into()).await.expect("memory");
    let (contract, outside) = (contract("kind = \"csv\""), Outside::only(store));
    let sources: Vec<Source> = fetch(&contract, &outside).await.expect("a file").try_collect().await.expect("readable");
    assert_eq!(sources[0].bytes, packed);
}
