/** Starts a process as root, goes on as another user, and then cannot end what it has started. */
import { startManaged } from '#src/actors/services/programs/managed-process.js';
import { writingLogger } from '#src/logging/index.js';
import { managedStart } from './managed-start.js';

const NOBODY = 65_534;
const [, , module = '', folder = ''] = process.argv;
const say = (what: string, text: string): void => void process.stdout.write(`${JSON.stringify({ what, text })}\n`);
const started = startManaged({
  ...managedStart(module, folder),
  output: async ({ text = new Uint8Array() }) => {
    say('written', Buffer.from(text).toString());
    process.setuid?.(NOBODY);
    try {
      started.signal('SIGKILL');
    } catch (error) {
      say('signal', String(error));
    }
  },
  log: writingLogger('warn', (_level, message) => say('logged', message)),
});
const exit = await started.ended;
say('ended', String(exit.signal));
