use super::*;

fn options() -> Options {
    let hours = ["mon", "tue", "wed", "thu", "fri"].map(|day| (day.to_string(), "08:00-18:00".to_string())).into();
    Options { columns: BTreeMap::new(), day_first: None, calendar: Calendar::new("UTC", &hours, &[]).unwrap() }
}

fn import(text: &str) -> Import {
    read(text.as_bytes(), &options(), &mut |_| {}).unwrap()
}

fn complaints(import: &Import) -> Vec<String> {
    import.complaints.iter().map(|c| format!("{}{} {}", c.line, if c.taken { "" } else { "!" }, c.why)).collect()
}

const CONNECTWISE: &str = "\u{feff}Ticket #,Date Entered,Date Closed,Company,Contact Email,Summary,Initial Description,Board,Status,Type,Subtype,Actual Hours,Resolution,Escalated To,Approved By,Age
4711,11/16/2026 9:05 AM,11/16/2026 9:20 AM,Acme,Jane@acme.example,Locked out,\"Locked out
since this morning, please help\",Service,Closed,Account,Locked,0.25,Unlocked it.,No,,3
";

#[test]
fn a_report_of_connectwise_is_read_without_being_told_how() {
    let import = import(CONNECTWISE);
    assert_eq!(complaints(&import), [""; 0]);
    assert_eq!(import.columns.unused, ["Age"]);
    let record = &import.records[0];
    assert_eq!((record.ticket.id.as_str(), record.line, record.ticket.minutes), ("4711", 2, Some(15)));
    assert_eq!(record.text, "Locked out\nsince this morning, please help");
    assert_eq!((record.ticket.opened, record.closed), (1_794_819_900_000, Some(1_794_820_800_000)));
    assert_eq!((record.requester.as_str(), record.client.as_str()), ("jane@acme.example", "Acme"));
    assert_eq!(record.ticket.fields["filed"], "Account / Locked");
    assert_eq!((record.ticket.after_hours, record.ticket.escalated.as_deref(), record.ticket.approver.as_deref()), (false, None, None));
}

#[test]
fn other_programs_name_and_separate_otherwise() {
    for (text, expect) in [
        ("Issue key;Created;Resolved;Subject;Time Spent (seconds)\nA-1;22.11.2026 14:03;;It is broken;600\n", "A-1 It is broken 10"),
        (
            "number\topened_at\tclosed_at\tshort_description\tassignment_group\nINC1\t2026-11-22 14:03:00\t2026-11-22 15:03:00\tIt is broken\tDesk\n",
            "INC1 It is broken 0",
        ),
        (
            "{\"id\": 7, \"summary\": \"It is broken\", \"_info\": {\"dateEntered\": \"2026-11-22T14:03:00Z\"}, \"board\": {\"name\": \"Desk\"}, \"actualHours\": 0.5}",
            "7 It is broken 30",
        ),
        ("Created,Subject\n2026-11-22,It is broken\n", "unnumbered d37c64f591a7 It is broken 0"),
    ] {
        let import = import(text);
        let record = &import.records[0];
        assert_eq!(format!("{} {} {}", record.ticket.id, record.text, record.ticket.minutes.unwrap_or_default()), expect, "{:?}", import.columns);
        assert!(record.ticket.fields.get("board").is_none_or(|board| board == "Desk"));
    }
}

#[test]
fn a_ticket_without_a_number_is_the_same_in_every_part_of_a_file_and_no_other() {
    let id = |rows: &str| import(&format!("created,subject\n{rows}")).records[0].ticket.id.clone();
    assert_eq!(id("2026-11-22,It is broken\n"), id("\n\n2026-11-22,It is broken\n"));
    assert_ne!(id("2026-11-22,It is broken\n"), id("2026-11-22,It is lost\n"));
    assert_ne!(id("2026-11-22,It is broken\n"), id("2026-11-23,It is broken\n"));
}

#[test]
fn a_bad_row_is_named_by_its_line_and_stops_nothing() {
    let import = import(
        "id,created,closed,subject,hours\n1,2026-11-22,2026-11-23,a,1\n2,soon,,b,1\n\n3,2026-11-22,2026-11-21,c,a lot\n4,2026-11-22,\n5,2026-11-22,,,1\n1,2026-11-22,,a,2\n6,2026-11-22,,\"d\nd\",1\n7,x,,e,1\n",
    );
    assert_eq!(import.records.iter().map(|record| record.ticket.id.as_str()).collect::<Vec<_>>(), ["1", "3", "6"]);
    assert_eq!(import.repeated, 1);
    assert_eq!(
        complaints(&import),
        [
            "3! `soon` is no date for when it came",
            "5 `2026-11-21` is no date after it came",
            "5 `a lot` is no time",
            "6! 3 cells under 5 headers",
            "7! nothing was written",
            "11! `x` is no date for when it came",
        ]
    );
    let lines = read(b"{\"id\":1,\"created\":\"2026-11-22\",\"title\":\"a\"}\nnothing\n[1]\n{\"id\":2}\n", &options(), &mut |_| {}).unwrap();
    assert_eq!((lines.records.len(), lines.complaints.iter().map(|c| c.line).collect::<Vec<_>>()), (1, vec![2, 3, 4]));
}

#[test]
fn a_file_that_cannot_be_used_at_all_says_why() {
    for (text, expect) in [
        ("", "empty"),
        ("subject\na\n", "when a ticket came"),
        ("created\n2026-11-22\n", "what was written"),
        ("{\"subject\":\"a\"}", "the file has `subject`"),
    ] {
        assert!(read(text.as_bytes(), &options(), &mut |_| {}).unwrap_err().contains(expect), "{text}");
    }
    let said = |header: &str| Options { columns: [(Field::Summary, header.to_string())].into(), ..options() };
    assert!(read(b"created,what\n2026-11-22,a\n", &said("whatever"), &mut |_| {}).unwrap_err().contains("no column `whatever`"));
    let import = read(b"created,what\n2026-11-22,a\n", &said("what"), &mut |_| {}).unwrap();
    assert_eq!(import.records[0].text, "a");
    assert!("colour".parse::<Field>().unwrap_err().contains("work-type"));
}

#[test]
fn a_column_that_a_person_named_is_taken_for_nothing_else() {
    let options = Options { columns: [(Field::Requester, "Contact".to_string()), (Field::Client, "User".to_string())].into(), ..options() };
    let import = read(b"created,title,Contact,User\n2026-11-22,a,b,c\n", &options, &mut |_| {}).unwrap();
    assert_eq!((import.records[0].requester.as_str(), import.records[0].client.as_str()), ("b", "c"));
}

#[test]
fn spreadsheets_of_every_age_are_decoded() {
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain("created,title\n2026-11-22,Zugriff für Müller\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let latin = b"created,title\n2026-11-22,Zugriff f\xfcr M\xfcller\n".to_vec();
    for bytes in [utf16, latin] {
        assert_eq!(read(&bytes, &options(), &mut |_| {}).unwrap().records[0].text, "Zugriff für Müller");
    }
}

#[test]
fn any_bytes_are_answered() {
    // A small generator, so that a failure comes again.
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let pieces = [CONNECTWISE, "{\"a\":", "\"", "\n", ",", "\u{0}", "created,title\n", "99/99/9999", "{\"created\":1,\"title\":{}}\n", "é"];
    for _ in 0..3_000 {
        let mut bytes: Vec<u8> = (0..next() % 8).flat_map(|_| pieces[next() % pieces.len()].bytes()).collect();
        for _ in 0..next() % 3 {
            if !bytes.is_empty() {
                let at = next() % bytes.len();
                bytes[at] = next() as u8;
            }
        }
        let _ = read(&bytes, &options(), &mut |_| {});
    }
}

#[test]
fn progress_is_told() {
    let rows: String = (0..2_500).map(|n| format!("{n},2026-11-22,a\n")).collect();
    let mut told = Vec::new();
    read(format!("id,created,title\n{rows}").as_bytes(), &options(), &mut |rows| told.push(rows)).unwrap();
    assert_eq!(told, [0, 1_000, 2_000, 2_500]);
}

#[test]
fn what_is_sent_in_parts_arrives_as_it_was_read() {
    let whole = import(&format!("{CONNECTWISE}4712,11/17/2026 7:05 PM,,Acme,,\"b, \"\"c\"\"\",,,,Access,,,,Yes,Maria Gomez,\n"));
    assert_eq!(complaints(&whole), [""; 0]);
    let parts = parts(&whole.records, 1);
    let again: Vec<Record> = parts.iter().map(|part| import(part).records.remove(0)).collect();
    let lines = |records: &[Record]| records.iter().map(|record| Record { line: 0, ..record.clone() }).collect::<Vec<_>>();
    assert_eq!((parts.len(), lines(&again)), (2, lines(&whole.records)));
}
