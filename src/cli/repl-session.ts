import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Recoverable, type REPLServer, start as startRepl } from 'node:repl';
import { createInterface } from 'node:readline';
import { callbackify } from 'node:util';
import type { Visitor } from '../actors/runtime/survey/index.js';
import { messageOf } from '../foreign.js';
import { ClusterWatch } from '../introspection/index.js';
import { ExitCode } from './exit-codes.js';
import { printLine, say } from './output.js';
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
    if (process.stdin.isTTY && process.stdout.isTTY) {
      await this.#onTerminal();
      return ExitCode.ok;
    }
    let text = '';
    for await (const line of createInterface({ input: process.stdin })) {
      text += `${line}\n`;
      if (isUnfinished(text)) continue;
      await this.#perform(text.trim());
      text = '';
    }
    await this.#perform(text.trim());
    return this.#hasFailed ? ExitCode.failed : ExitCode.ok;
  }

  async #onTerminal(): Promise<void> {
    printLine('help lists the commands; Tab completes; Ctrl-D ends');
    const queue = callbackify((line: string) => this.#queue(line));
    const server = startRepl({
      prompt: 'millrace> ',
      preview: false,
      ignoreUndefined: true,
      eval: (line, _context, _file, done) => {
        if (isUnfinished(line)) done(new Recoverable(new SyntaxError('The request has not ended.')), undefined);
        else queue(line, () => done(null, undefined));
      },
      completer: callbackify((line: string) => this.#complete(line)),
    });
    keepHistory(server);
    this.#cancelAtInterrupt(server);
    await new Promise<void>((resolve) => server.once('exit', resolve));
    this.#running?.abort();
    await this.#last;
  }

  /** One at a time: lines may be typed while a command runs. */
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
        printLine('^C');
        this.#running.abort();
        return;
      }
      server.clearBufferedCommand();
      server.write(null, { ctrl: true, name: 'u' });
      printLine('');
      server.displayPrompt();
    });
  }
}

/** A request goes on in the next line while its JSON has not ended. */
function isUnfinished(line: string): boolean {
  const outside = line.replaceAll(/"(?:[^"\\]|\\.)*"/g, '');
  return outside.split('{').length > outside.split('}').length;
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
