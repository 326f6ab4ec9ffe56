//! What vbs promises about other people's data, held against the real program on real files.

mod adopt;
mod bench;
mod broken;
mod changes;
mod command;
mod foreign;
mod loss;
mod plans;
mod protection;
mod scale;
mod secrets;
mod selection;
mod table;
