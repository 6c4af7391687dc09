/** The main module of a process that has a role in a run: a node, or global services. It ends with the process that has started it. */
import { readManifest, packageFile } from '../../../installation.js';
import { endWithParent, readStart, tellLastWords } from '../../../resources/execution/index.js';
import { RealScheduler } from '../../../scheduler/index.js';
import { GlobalServicesProcess } from './global-services-process.js';
import { NodeProcess } from './node-process.js';
import { checkRoleStart } from './role-start.js';

/** The process that has started this one has ended, or wants it to end. */
const ENDED = 70;

// A signal of a terminal or a service manager reaches all processes of a run. The launcher gets it, too, and tears the run down.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {});
tellLastWords();

const here: { running?: { abandon(): Promise<void> } } = {};
const orphaned = (): void => {
  const abandoned = here.running?.abandon() ?? Promise.resolve();
  void abandoned.catch(() => {}).then(() => process.exit(ENDED));
};

const version = String(readManifest(packageFile('package.json', 'It has the version.'))?.['version']);
const start = checkRoleStart(await readStart(process.stdin, orphaned), version);
const scheduler = new RealScheduler();
if (start.role === 'node') {
  const running = new NodeProcess(start, scheduler);
  here.running = running;
  await running.run();
} else {
  // A node ends what it has started before it ends itself, and global services have started nothing.
  endWithParent();
  const running = new GlobalServicesProcess(start, scheduler);
  here.running = running;
  await running.run();
}
process.exit();
