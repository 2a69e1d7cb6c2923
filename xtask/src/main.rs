//! Set-up and checks in one place: `cargo xtask test`, `cargo xtask codegen`, `cargo xtask bench`.

mod bench;
mod codegen;
mod command;
mod documentation;
mod engine;
mod files;
mod node;
mod parity;
mod peers;
mod provided;
mod pulumi;
mod python;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use command::{at_once, cargo, say, workspace};

const USAGE: &str = "\
cargo xtask <task>

  test            everything: tools, formatting, lints, documentation, all tests, those of the Python wheel, the
                  npm packages and the Pulumi plugin too
  codegen         writes what is generated: schemas/ and the events, answers, errors of the packages for
                  Python and TypeScript
  codegen --check says which of it is out of date, and writes nothing
  python          only the Python package: builds its wheel and runs its tests, in a fresh virtual environment
  node            only the npm packages: builds and packs them and runs their tests, in a project in which
                  they are installed
  node --dist     the npm packages as they are released, under target/node/dist: what can be built here; installs
                  them and deploys with them
  pulumi          only the Pulumi plugin: its tests against Pulumi's stubs and SDK, and with a real `pulumi` where
                  there is Go to build it
  pulumi --dist   the Pulumi plugin as it is released, without the clouds: as small as can be
  engine          runs container services by docker or podman, where one of them answers, as `cargo xtask test` does
  parity          runs every case of the parity table and writes docs/parity.md; asks serverless-offline anew where it is
                  installed
  parity --check  runs them, compares with docs/parity.md and writes nothing, as `cargo xtask test` does
  tools           only sets up what the tests need, under target/tools
  tools pulumi    builds the real `pulumi` from its Go modules, under target/tools/pulumi
  tools peers     installs what `bench local` is measured beside (serverless-offline, cargo-lambda), under
                  target/tools/peers
  bench [NAME]    benchmarks, as ratios in one run: store, engine, deploy, local, dev, aws,
                  python, node, pulumi (default: all)
";

/// What every task returns: nothing, or words that say what failed.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    if let Some(code) = documentation::stand_in() {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let task: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match task.as_slice() {
        ["test"] => test(),
        ["codegen"] => codegen::run(&root(), true),
        ["codegen", "--check"] => codegen::run(&root(), false),
        ["python"] => only_python(&root()),
        ["node"] => only_node(&root()),
        ["node", "--dist"] => node::release(&root()),
        ["pulumi"] => pulumi::test(&root()),
        ["pulumi", "--dist"] => pulumi::release(&root()),
        ["tools", "pulumi"] => pulumi::tools(&root()),
        ["tools", "peers"] => peers::set_up(&root()),
        ["engine"] => engine::test(&root()),
        ["parity"] => parity::run(&root(), true),
        ["parity", "--check"] => parity::run(&root(), false),
        ["tools"] => tools::set_up(&root()).map(drop),
        ["bench", names @ ..] => bench::run(&root(), names),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("xtask: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// More than there are cores: most tests wait for other processes.
const TESTS_AT_ONCE: &str = "4";

/// Everything that has to hold.
fn test() -> Outcome {
    let root = root();
    cargo(&root, &["fmt", "--all", "--check"]).run("formatting (mend it with `cargo fmt --all`)")?;
    // What is fetched is waited for, what is compiled is not: each goes on in the other's pauses.
    let mut set_up = None;
    at_once([
        Box::new(|| compile(&root)),
        Box::new(|| {
            set_up = Some(SetUp::new(&root)?);
            Ok(())
        }),
    ])?;
    let SetUp { tools, python, node } = set_up.ok_or("nothing was set up")?;
    workspace(&root, &["test", "--tests"])
        .env("SEMANTEST_TOOLS", &tools)
        .env("RUST_TEST_THREADS", TESTS_AT_ONCE)
        .run("tests")?;
    // These wait for one another's processes more than they work.
    at_once([
        Box::new(|| documentation::test(&root, &tools)),
        Box::new(|| {
            provided::gate(&root, &tools)?;
            engine::test(&root)?;
            judge_azure(&root, &tools)?;
            pulumi::gate(&root)?;
            node::test(&root, &tools, &node)
        }),
        Box::new(|| python::test(&root, &tools, &python)),
    ])
}

/// What the tests need beside what this workspace compiles.
struct SetUp {
    tools: PathBuf,
    /// The interpreter that the tests of the wheel run in.
    python: PathBuf,
    node: node::Prepared,
}

impl SetUp {
    fn new(root: &Path) -> Result<Self, String> {
        let tools = tools::set_up(root)?;
        let (python, node) = (python::prepare(root)?, node::prepare(root)?);
        tools::pulumi_python(root)?;
        Ok(Self { tools, python, node })
    }
}

/// All programs, with lints. Examples are among them: the tests of the local provider run one.
fn compile(root: &Path) -> Outcome {
    workspace(root, &["build", "--quiet", "--lib", "--bins", "--tests", "--examples"])
        .run("programs and tests, with lints")
}

fn only_python(root: &Path) -> Outcome {
    let tools = tools::set_up(root)?;
    python::test(root, &tools, &python::prepare(root)?)
}

fn only_node(root: &Path) -> Outcome {
    let tools = tools::set_up(root)?;
    node::test(root, &tools, &node::prepare(root)?)
}

/// What needs the specifications of Azure Resource Manager, which are no part of the repository: run where there are any,
/// else counted as skipped.
fn judge_azure(root: &Path, tools: &Path) -> Outcome {
    let Some(folder) = std::env::var_os("SEMANTEST_AZURE_SPECS").map(PathBuf::from) else {
        say(
            "xtask: skipped: the calls to Azure are not judged; get the repository azure-rest-api-specs and set \
             SEMANTEST_AZURE_SPECS to its folder",
        );
        return Ok(());
    };
    if !folder.join("specification").is_dir() {
        return Err(format!("SEMANTEST_AZURE_SPECS: there is no specification/ in {}", folder.display()));
    }
    tools::npm(&root.join("tests/tools/judge"), &tools.join("judge"), "Microsoft's validator")?;
    workspace(root, &["test", "--quiet", "--test", "cli", "--", "--ignored", "azure_judged::"])
        .env("SEMANTEST_TOOLS", tools)
        .env("SEMANTEST_AZURE_SPECS", folder)
        .run("judgement of the calls to Azure")
}

fn root() -> PathBuf {
    // The manifest's folder is `xtask`, right under the root.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}
