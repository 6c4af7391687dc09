// The report of the public API, by API Extractor: api/*.api.md, one file for each entry point, with every exported name and its signature. A
// change of the API changes the report, so that whoever reviews it sees that. Needs a build.
//   npm run api                writes the reports
//   node scripts/api.mjs --check   fails where one is stale
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const reports = join(root, 'api');
const isCheck = process.argv.includes('--check');
const temporary = mkdtempSync(join(tmpdir(), 'millrace-api-'));

try {
  mkdirSync(reports, { recursive: true });
  const entries = entryPoints();
  const configs = entries.map(configOf);
  // All entry points are analysed as one program.
  const compilerState = CompilerState.create(configs[0], { additionalEntryPoints: entries.map(({ types }) => types) });
  const stale = configs.flatMap((config, index) => {
    const { apiReportChanged } = Extractor.invoke(config, {
      compilerState,
      localBuild: !isCheck,
      messageCallback: quiet,
    });
    return apiReportChanged ? [entries[index].report] : [];
  });
  const known = entries.map(({ report }) => report);
  const dead = readdirSync(reports).filter((name) => !known.includes(name));
  if (!isCheck) for (const name of dead) rmSync(join(reports, name));
  for (const name of [...stale, ...dead])
    console.error(isCheck ? `api: api/${name} is stale. Run: npm run api` : `api: renewed api/${name}`);
  if (isCheck && stale.length + dead.length > 0) process.exitCode = 1;
} finally {
  rmSync(temporary, { recursive: true });
}

/** `{ types, report }` of each: the path of its declarations, and the name of its report. */
function entryPoints() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.entries(exports).flatMap(([name, conditions]) =>
    typeof conditions === 'string'
      ? []
      : [
          {
            types: join(root, conditions.import.types),
            report: `${['millrace', ...name.split('/').slice(1)].join('-')}.api.md`,
          },
        ],
  );
}

function configOf({ types, report }) {
  const none = { default: { logLevel: 'none' } };
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(root, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: types,
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2023',
            lib: ['es2023', 'esnext.disposable'],
            module: 'nodenext',
            types: ['node'],
            strict: true,
            skipLibCheck: true,
          },
          files: [types],
        },
      },
      apiReport: { enabled: true, reportFileName: report, reportFolder: reports, reportTempFolder: temporary },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      // The documentation has a style of its own, and no tags.
      messages: { compilerMessageReporting: none, extractorMessageReporting: none, tsdocMessageReporting: none },
    },
  });
}

function quiet(message) {
  message.handled = message.logLevel !== 'error';
}
