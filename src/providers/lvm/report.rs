//! `lvm fullreport --reportformat json`, taken apart.
