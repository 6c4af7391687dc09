// Writes the documentation pages that are generated from tables in the code: docs/ids.md and docs/options.md. Needs a build.
// `--check` writes nothing, and fails if a page is stale.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as ids from '../dist/ids/index.js';
import { describeOptions, launchTable, launchVariable } from '../dist/options/index.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const isCheck = process.argv.includes('--check');
const pages = { 'docs/ids.md': idsPage(), 'docs/options.md': optionsPage() };

for (const [path, text] of Object.entries(pages)) {
  const file = join(root, path);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  if (isCheck) {
    console.error(`docs: ${path} is stale. Run: npm run docs`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    console.log(`docs: wrote ${path}`);
  }
}

function idsPage() {
  return `# Conventional ids

Processes, channels and pools have 64-bit ids. Most follow a convention, so that infrastructure can be reached before anyone
has registered it. Bands are half-open, and disjoint for each kind of id. Zero is a real id. In the API ids are \`bigint\`, on
the wire \`fixed64\`, in JSON decimal strings. \`src/ids\` holds the table that this page is made from.

A process also has an *incarnation*: a random number of 64 bits, new at each start. References and link addresses carry it, so one that
was made for a process which has ended reaches no other. Ids are numbered from a random place in each life of the control plane and of a
process: ids of a cluster are not used again after a restart.

| sign | meaning |
|---|---|
| n | index of a node, below 2^24 = ${ids.MAX_NODES} |
| j | gateway of a node, below ${ids.GATEWAYS_PER_NODE} |
| h | host id, reduced: \`host_id mod 2^60\`; the adder is reduced, never the sum |
| d | direction: 0 in, 1 out |
| k | a number in sequence |
| o | ordinal of a leased block of 2^32 ids, below 2^31; says which partition owns the id |

## Processes: p_uid

${bandTable(ids.processBands)}

In a run with a [cluster store](cli.md#a-run-that-outlives-its-global-services) several processes have global services: each is a \`globalServicesCandidate\`, also while it serves, and
none has the id 1. Their channel \`globalServicesInput\` is the conventional one: the launcher says which process serves. Managed processes are numbered from
2^32 + epoch * 2^32 there, so that none gets a p_uid for the second time.

## Channels: c_uid

${bandTable(ids.channelBands)}

A host id is a hash and can collide: to register an id that is taken is an error that names both holders.

## Pools: m_uid

${bandTable(ids.poolBands)}
`;
}

function bandTable(bands) {
  const adders = {
    one: '',
    node: ' + n',
    gateway: ` + n * ${ids.GATEWAYS_PER_NODE} + j`,
    host: ' + h',
    'host and direction': ' + 2 * h + d',
    sequence: ' + k',
    'ordinal and sequence': ' + (o << 32) + k',
  };
  return table(
    ['role', 'id', 'band', 'held by'],
    Object.entries(bands).map(([role, band]) => [
      `\`${role}\``,
      `${power(band.first)}${adders[band.indexed]}`,
      band.indexed === 'one' ? '' : `[${power(band.first)}, ${power(band.end)})`,
      band.holder,
    ]),
  );
}

/** Formats an id as a sum of powers of two: 2^62 + 2^60. */
function power(id) {
  if (id < 8n) return String(id);
  const digits = id.toString(2);
  return [...digits].flatMap((digit, index) => (digit === '1' ? [`2^${digits.length - 1 - index}`] : [])).join(' + ');
}

function optionsPage() {
  return `# Options

Each option is taken from the first of these that gives it: code (\`Runtime.start({ askTimeoutMs: 1000 })\`), an environment
variable, the config file \`millrace.config.json\` in the working folder (\`{ "askTimeoutMs": 1000 }\`), the default.
\`millrace config\` prints the values in force and where each came from. What happens at each bound is described in [limits.md](limits.md).

In code and in the config file, a name that is not known or a value that is not accepted is a \`ConfigError\` before anything starts. The
config file is one JSON object in UTF-8, with or without a byte order mark, in which each key occurs once.

Variables of the environment that begin with \`MILLRACE_\` but are empty or name no option are ignored, and one warning names them, with what a
misspelt one may have meant. Kubernetes sets such variables (\`MILLRACE_SERVICE_HOST\`, \`MILLRACE_PORT\`) for a Service named \`millrace\`. A wrong
value of an option is a \`ConfigError\`, unless it is an address that a platform has set (\`tcp://10.0.0.7:80\`).

${table(
  ['option', 'variable', 'default', 'accepts', 'meaning'],
  describeOptions().map((option) => [
    `\`${option.name}\``,
    `\`${option.variable}\``,
    option.default,
    option.accepts.replaceAll('|', '\\|'),
    option.description,
  ]),
)}

## Launch parameters

\`millrace up\` sets these variables for each process that it starts ([cli.md](cli.md#millrace-up)). They are no options: nobody else sets them.

${table(
  ['variable', 'accepts', 'meaning'],
  Object.entries(launchTable).map(([name, { accepts, description }]) => [
    `\`${launchVariable(name)}\``,
    accepts,
    description,
  ]),
)}
`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`.replaceAll('  ', ' ');
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
