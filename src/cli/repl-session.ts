import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Recoverable, type REPLServer, start as startRepl } from 'node:repl';
import { createInterface } from 'node:readline';
import { callbackify } from 'node:util';
import type { Visitor } from '../actors/runtime/survey/index.js';
import { messageOf } from '../foreign.js';
import { AskTimeoutError, ConfigError, UnreachableError } from '../index.js';
import { ClusterWatch } from '../introspection/index.js';
import { limits } from '../limits.js';
import { ExitCode } from './exit-codes.js';
import { printLine, say } from './output.js';
import { behindWords, type Completable, completionsOf, isUnfinished, wordsOf } from './repl-completion.js';
import { type ReplCommand, replCommands } from './repl-commands.js';

/** One session of `millrace repl`, on standard input and output. An error ends a command, and never the session. */
export class Repl {
  readonly #visitor: Visitor;
  readonly #locate: () => Promise<string>;
  readonly #commands: readonly ReplCommand[];
  readonly #known: Completable;
  /** Aborted when the session ends. */
  readonly #leaving = new AbortController();
  /** Of what was typed since the last Ctrl-C. */
  #cancelling = new AbortController();
  /** Commands that run, or wait for their turn. */
  #unfinished = 0;
  #last: Promise<void> = Promise.resolve();
  #hasFailed = false;

  /** `locate` says where the control plane is now. */
  constructor(visitor: Visitor, locate: () => Promise<string>) {
    this.#visitor = visitor;
    this.#locate = locate;
    const watch = new ClusterWatch(visitor);
    this.#commands = replCommands(visitor, watch);
    this.#known = {
      commands: this.#commands,
      names: async () => {
        const { names } = await visitor.list(limits.askTimeoutMs);
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
    await this.#onPipe();
    return this.#hasFailed ? ExitCode.failed : ExitCode.ok;
  }

  async #onPipe(): Promise<void> {
    let text = '';
    let [lines, firstLine] = [0, 1];
    for await (const line of createInterface({ input: process.stdin })) {
      lines++;
      text += `${line}\n`;
      if (isUnfinished(text, this.#commands)) continue;
      await this.#perform(text.trim(), this.#cancelling.signal);
      text = '';
      firstLine = lines + 1;
    }
    if (text === '') return;
    this.#failed(new ConfigError(`The request of line ${firstLine} has not ended: a } is missing. It was not sent.`));
  }

  async #onTerminal(): Promise<void> {
    printLine('help lists the commands; Tab completes; Ctrl-D ends');
    const queue = callbackify((line: string) => this.#queue(line));
    const server = startRepl({
      prompt: 'millrace> ',
      preview: false,
      ignoreUndefined: true,
      eval: (line, _context, _file, done) => {
        if (isUnfinished(line, this.#commands))
          done(new Recoverable(new SyntaxError('The request has not ended.')), undefined);
        else {
          queue(line, () => {
            // Behind the end a prompt would open standard input again.
            if (!this.#leaving.signal.aborted) done(null, undefined);
          });
        }
      },
      completer: callbackify((line: string) => this.#complete(line)),
    });
    removeCommandsOfNode(server);
    keepHistory(server);
    this.#cancelAtInterrupt(server);
    await new Promise<void>((resolve) => server.once('exit', resolve));
    this.#leaving.abort();
    await this.#last;
  }

  /** One at a time: lines may be typed while a command runs. */
  #queue(line: string): Promise<void> {
    const { signal } = this.#cancelling;
    this.#unfinished++;
    this.#last = this.#last
      .then(() => this.#perform(line.trim(), signal))
      .finally(() => {
        this.#unfinished--;
      });
    return this.#last;
  }

  async #perform(line: string, cancelling: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([this.#leaving.signal, cancelling]);
    if (line === '' || signal.aborted) return;
    const cancelled = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    try {
      const work = this.#command(line, signal);
      // What is cancelled may fail behind it.
      work.catch(() => {});
      await Promise.race([work, cancelled]);
    } catch (error) {
      if (signal.aborted) return;
      this.#failed(error);
      if (isOfReach(error)) await Promise.race([this.#follow(), cancelled]);
    }
  }

  /** Where another process serves the control plane since, the next command asks that one. */
  async #follow(): Promise<void> {
    try {
      const controlPlane = await this.#locate();
      if (controlPlane === this.#visitor.controlPlane || this.#leaving.signal.aborted) return;
      this.#visitor.follow(controlPlane);
      say('Another process serves the control plane now: give the command again.');
    } catch (error) {
      say(`The control plane was not found again: ${messageOf(error)}`);
    }
  }

  #failed(error: unknown): void {
    this.#hasFailed = true;
    say(messageOf(error));
  }

  async #command(line: string, signal: AbortSignal): Promise<void> {
    const [word = '', ...words] = wordsOf(line);
    const command = this.#commands.find((each) => each.word === word);
    if (command === undefined) {
      const known = this.#commands.map((each) => each.word).join(', ');
      throw new ConfigError(`There is no command ${word}. There are ${known}.`);
    }
    await command.run({ words, rest: behindWords(line, 3) }, signal);
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
      if (this.#unfinished > 0) {
        printLine('^C');
        this.#cancelling.abort();
        this.#cancelling = new AbortController();
        return;
      }
      server.clearBufferedCommand();
      server.write(null, { ctrl: true, name: 'u' });
      printLine('');
      server.displayPrompt();
    });
  }
}

function isOfReach(error: unknown): boolean {
  return error instanceof UnreachableError || error instanceof AskTimeoutError;
}

/** `.load`, `.save`, `.editor` and the like: they are for JavaScript, and write files. */
function removeCommandsOfNode({ commands }: REPLServer): void {
  for (const name of Object.keys(commands)) Reflect.deleteProperty(commands, name);
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
