import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Recoverable, type REPLServer, start as startRepl } from 'node:repl';
import { callbackify } from 'node:util';
import type { Visitor } from '../actors/runtime/survey/index.js';
import { messageOf } from '../foreign.js';
import { ClusterWatch } from '../introspection/index.js';
import { ExitCode } from './exit-codes.js';
import { say } from './output.js';
import { type Completable, completionsOf, wordsOf } from './repl-completion.js';
import { type ReplCommand, replCommands } from './repl-commands.js';

const PATIENCE_MS = 5_000;

/** One session of `millrace repl`, on standard input and output. An error ends a command, and never the session. */
export class Repl {
  readonly #commands: readonly ReplCommand[];
  readonly #known: Completable;
  #running: AbortController | undefined;
  #last: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(visitor: Visitor) {
    this.#commands = replCommands(visitor);
    const watch = new ClusterWatch(visitor);
    this.#known = {
      commands: this.#commands,
      names: async () => {
        const { names } = await visitor.list(PATIENCE_MS);
        return names.map(({ name }) => name).filter((name) => !name.startsWith('millrace/'));
      },
      methods: async (name) => (await watch.examineNamed(name)).signatures,
    };
  }

  /** Resolves to the exit code when its input has ended. */
  async run(): Promise<number> {
    const { isTTY } = process.stdin;
    const isTerminal = isTTY && process.stdout.isTTY;
    if (isTerminal) process.stdout.write('help lists the commands; Tab completes; Ctrl-D ends\n');
    const queue = callbackify((line: string) => this.#queue(line));
    const server = startRepl({
      prompt: isTerminal ? 'millrace> ' : '',
      terminal: isTerminal,
      preview: false,
      ignoreUndefined: true,
      eval: (line, _context, _file, done) => {
        const error = unfinished(line);
        if (error !== undefined) done(error, undefined);
        else queue(line, () => done(null, undefined));
      },
      completer: callbackify((line: string) => this.#complete(line)),
    });
    if (isTerminal) keepHistory(server);
    this.#cancelAtInterrupt(server);
    await new Promise<void>((resolve) => server.once('exit', resolve));
    if (isTerminal) this.#running?.abort();
    await this.#last;
    return this.#hasFailed && !isTerminal ? ExitCode.failed : ExitCode.ok;
  }

  /** One at a time: a pipe gives all lines at once. */
  #queue(line: string): Promise<void> {
    this.#last = this.#last.then(() => this.#perform(line.trim()));
    return this.#last;
  }

  async #perform(line: string): Promise<void> {
    if (line === '') return;
    const leaving = new AbortController();
    this.#running = leaving;
    const cancelled = new Promise<void>((resolve) => leaving.signal.addEventListener('abort', () => resolve()));
    try {
      const work = this.#command(line, leaving.signal);
      // What is cancelled may fail behind it.
      work.catch(() => {});
      await Promise.race([work, cancelled]);
    } catch (error) {
      this.#hasFailed = true;
      say(messageOf(error));
    } finally {
      this.#running = undefined;
    }
  }

  async #command(line: string, signal: AbortSignal): Promise<void> {
    const [, word = '', behind = ''] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
    const command = this.#commands.find((each) => each.word === word);
    if (command === undefined) {
      const known = this.#commands.map((each) => each.word).join(', ');
      throw new TypeError(`There is no command ${word}. There are ${known}.`);
    }
    const words = wordsOf(behind);
    const skipped = /^(?:(?:"(?:[^"\\]|\\.)*"|\S+)\s*){0,2}/.exec(behind)?.[0] ?? '';
    await command.run({ words, rest: behind.slice(skipped.length).trim() }, signal);
  }

  /** Where the cluster does not answer, nothing is offered. */
  async #complete(line: string): Promise<[string[], string]> {
    try {
      const [candidates, part] = await completionsOf(line, this.#known);
      return [[...candidates], part];
    } catch {
      return [[], line];
    }
  }

  #cancelAtInterrupt(server: REPLServer): void {
    server.removeAllListeners('SIGINT');
    server.on('SIGINT', () => {
      if (this.#running !== undefined) {
        process.stdout.write('^C\n');
        this.#running.abort();
        return;
      }
      server.clearBufferedCommand();
      server.write(null, { ctrl: true, name: 'u' });
      process.stdout.write('\n');
      server.displayPrompt();
    });
  }
}

/** A request goes on in the next line while its JSON has not ended. */
function unfinished(line: string): Recoverable | undefined {
  const outside = line.replaceAll(/"(?:[^"\\]|\\.)*"/g, '');
  const isOpen = outside.split('{').length > outside.split('}').length;
  return isOpen ? new Recoverable(new SyntaxError('The request has not ended.')) : undefined;
}

function keepHistory(server: REPLServer): void {
  const folder = join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'millrace');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    say(`the lines of this session are not kept: ${messageOf(error)}`);
    return;
  }
  // Node makes the file with mode 0600.
  server.setupHistory(join(folder, 'repl-history'), (error) => {
    if (error !== null) say(`the lines of this session are not kept: ${error.message}`);
  });
}
