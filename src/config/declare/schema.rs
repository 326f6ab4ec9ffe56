//! What each block of the language may hold, as data. Providers' own attributes come from their schemas and are
//! added where a pool or hypervisor is read.

/// One attribute of a block.
#[derive(Debug, Clone, Copy)]
pub struct AttributeRule {
    pub name: &'static str,
    pub required: bool,
}

/// How often a nested block may stand in its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    Once,
    Any,
}

/// A block inside a block.
#[derive(Debug, Clone, Copy)]
pub struct NestedRule {
    pub block: &'static BlockRule,
    pub times: Times,
}

/// One kind of block.
#[derive(Debug)]
pub struct BlockRule {
    pub word: &'static str,
    /// What the labels are, for people: `provider`, `name`.
    pub labels: &'static [&'static str],
    pub attributes: &'static [AttributeRule],
    pub blocks: &'static [NestedRule],
}

const fn required(name: &'static str) -> AttributeRule {
    AttributeRule { name, required: true }
}

const fn optional(name: &'static str) -> AttributeRule {
    AttributeRule { name, required: false }
}

const fn once(block: &'static BlockRule) -> NestedRule {
    NestedRule { block, times: Times::Once }
}

const fn any(block: &'static BlockRule) -> NestedRule {
    NestedRule { block, times: Times::Any }
}

static STATE: BlockRule =
    BlockRule { word: "state", labels: &["backend"], attributes: &[optional("path")], blocks: &[] };

pub static VBS: BlockRule = BlockRule {
    word: "vbs",
    labels: &[],
    attributes: &[optional("name"), optional("required_version"), optional("trash_retention")],
    blocks: &[once(&STATE)],
};

const CONDITION: &[AttributeRule] = &[required("condition"), required("error_message")];

static VALIDATION: BlockRule =
    BlockRule { word: "validation", labels: &[], attributes: CONDITION, blocks: &[] };
static PRECONDITION: BlockRule =
    BlockRule { word: "precondition", labels: &[], attributes: CONDITION, blocks: &[] };
static POSTCONDITION: BlockRule =
    BlockRule { word: "postcondition", labels: &[], attributes: CONDITION, blocks: &[] };

pub static VARIABLE: BlockRule = BlockRule {
    word: "variable",
    labels: &["name"],
    attributes: &[
        optional("type"),
        optional("default"),
        optional("description"),
        optional("sensitive"),
        optional("nullable"),
    ],
    blocks: &[any(&VALIDATION)],
};

pub static OUTPUT: BlockRule = BlockRule {
    word: "output",
    labels: &["name"],
    attributes: &[required("value"), optional("description"), optional("sensitive")],
    blocks: &[any(&PRECONDITION)],
};

pub static HOST: BlockRule = BlockRule {
    word: "host",
    labels: &["name"],
    attributes: &[
        optional("address"),
        optional("become"),
        optional("connect_timeout"),
        optional("parallelism"),
    ],
    blocks: &[],
};

/// Stands in a pool; what it holds is its provider's to say.
pub static EXPORT: BlockRule =
    BlockRule { word: "export", labels: &["provider"], attributes: &[], blocks: &[] };

/// Stands in the block of a provider that reads what a command prints.
static LIST: BlockRule = BlockRule { word: "list", labels: &[], attributes: &[], blocks: &[] };

/// The same for who an export lets in.
static GRANTS: BlockRule = BlockRule { word: "grants", labels: &[], attributes: &[], blocks: &[] };

/// What commands read on their standard input.
static STDIN: BlockRule = BlockRule { word: "stdin", labels: &[], attributes: &[], blocks: &[] };

/// Blocks that only some providers have; what they hold is their provider's to say.
pub static OF_PROVIDERS: [&BlockRule; 3] = [&LIST, &GRANTS, &STDIN];

pub static POOL: BlockRule = BlockRule {
    word: "pool",
    labels: &["provider", "name"],
    attributes: &[optional("host"), optional("wipe"), optional("reserve_free"), optional("max_overcommit")],
    blocks: &[once(&EXPORT)],
};

pub static HYPERVISOR: BlockRule = BlockRule {
    word: "hypervisor",
    labels: &["provider", "name"],
    attributes: &[optional("host"), optional("initiator")],
    blocks: &[],
};

static LIFECYCLE: BlockRule = BlockRule {
    word: "lifecycle",
    labels: &[],
    attributes: &[optional("prevent_destroy"), optional("ignore_changes")],
    blocks: &[any(&PRECONDITION), any(&POSTCONDITION)],
};

pub static VOLUME: BlockRule = BlockRule {
    word: "volume",
    labels: &["name"],
    attributes: &[
        required("pool"),
        optional("size"),
        optional("source"),
        optional("name"),
        optional("labels"),
        optional("on_destroy"),
        optional("for_each"),
        optional("count"),
        optional("depends_on"),
    ],
    blocks: &[once(&LIFECYCLE)],
};

pub static SNAPSHOT: BlockRule = BlockRule {
    word: "snapshot",
    labels: &["name"],
    attributes: &[
        required("volume"),
        optional("name"),
        optional("labels"),
        optional("reserve"),
        optional("quiesce"),
        optional("for_each"),
        optional("count"),
        optional("depends_on"),
    ],
    blocks: &[once(&LIFECYCLE)],
};

pub static ATTACHMENT: BlockRule = BlockRule {
    word: "attachment",
    labels: &["name"],
    attributes: &[
        optional("volume"),
        optional("snapshot"),
        required("hypervisor"),
        required("vm"),
        optional("device"),
        optional("bus"),
        optional("access"),
        optional("shared"),
        optional("for_each"),
        optional("count"),
        optional("depends_on"),
    ],
    blocks: &[once(&LIFECYCLE)],
};

pub static MOVED: BlockRule =
    BlockRule { word: "moved", labels: &[], attributes: &[required("from"), required("to")], blocks: &[] };

/// `locals` alone takes attributes of any name; it is read apart.
pub static LOCALS: BlockRule = BlockRule { word: "locals", labels: &[], attributes: &[], blocks: &[] };

/// Every block that may stand at the top of a file.
pub static TOP: [&BlockRule; 11] =
    [&VBS, &VARIABLE, &LOCALS, &OUTPUT, &HOST, &POOL, &HYPERVISOR, &VOLUME, &SNAPSHOT, &ATTACHMENT, &MOVED];

/// Blocks of the language that this version does not have.
pub const NOT_YET: [&str; 4] = ["module", "removed", "import", "check"];
