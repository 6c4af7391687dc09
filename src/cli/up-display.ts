import { StringDecoder } from 'node:string_decoder';
import type { Display } from '../actors/services/index.js';
import { LOG_LEVELS } from '../logging/index.js';
import { v1 } from '../protocol/index.js';
import { overwriteLine } from './output.js';
import type { RunLog } from './run-log.js';
import { type LineStyle, writeShown } from './shown-line.js';

export interface DisplayOptions extends LineStyle {
  readonly isQuiet: boolean;
  /** Lowest level of log records of the infrastructure that are shown. */
  readonly level: (typeof LOG_LEVELS)[number];
  /** Keeps what is shown. */
  readonly log: RunLog;
}

/** One of the two outputs of a process. */
interface Stream {
  readonly node: string;
  readonly name: string;
  readonly isError: boolean;
  /** A character may come in two parts. */
  readonly decoder: StringDecoder;
  /** What it has written since its last line feed. */
  begun: string;
}

/**
 * Shows the output of all processes of a run in one place, line by line: the lines of a process stay in order, and no line is torn. A
 * line that is longer than LONGEST is broken.
 */
export class UpDisplay implements Display {
  readonly #options: DisplayOptions;
  readonly #streams = new Map<string, Stream>();

  constructor(options: DisplayOptions) {
    this.#options = options;
  }

  async output(node: string, { process: name, isError, text }: v1.ProcessOutput): Promise<void> {
    const stream = this.#stream(node, name, isError);
    const lines = `${stream.begun}${stream.decoder.write(Buffer.from(text))}`.split('\n');
    const rest = lines.pop() ?? '';
    if (rest.length > LONGEST) lines.push(rest);
    stream.begun = rest.length > LONGEST ? '' : rest;
    if (lines.length > 0) await this.#write(node, name, isError, lines);
  }

  record(node: string, { process, level, message, fields }: v1.LogRecord): void {
    const known = LOG_LEVELS.find((each) => each === level) ?? 'info';
    if (LOG_LEVELS.indexOf(known) < LOG_LEVELS.indexOf(this.#options.level)) return;
    void this.#show([v1.ShownLine.create({ node, process, isError: true, text: message, level: known, fields })]);
  }

  progress(step: string, waitsFor: string, done: number, nodes: number): void {
    if (this.#options.isQuiet || this.#options.isJson || !process.stderr.isTTY) return;
    const text = done < nodes ? `millrace: ${step}: waits for ${waitsFor}, ${done} of ${nodes}` : '';
    overwriteLine(text);
  }

  /** Writes the lines that processes of the node have begun and not ended, and forgets the processes. */
  async ended(node: string): Promise<void> {
    await this.#end([...this.#streams].filter(([, stream]) => stream.node === node));
  }

  /** Writes the lines that were begun and not ended. */
  async close(): Promise<void> {
    await this.#end([...this.#streams]);
  }

  async #end(streams: readonly (readonly [string, Stream])[]): Promise<void> {
    for (const [key] of streams) this.#streams.delete(key);
    for (const [, { node, name, isError, decoder, begun }] of streams) {
      const rest = `${begun}${decoder.end()}`;
      if (rest !== '') await this.#write(node, name, isError, [rest]);
    }
  }

  #stream(node: string, name: string, isError: boolean): Stream {
    const key = JSON.stringify([node, name, isError]);
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const stream = { node, name, isError, decoder: new StringDecoder('utf8'), begun: '' };
    this.#streams.set(key, stream);
    return stream;
  }

  #write(node: string, process: string, isError: boolean, lines: readonly string[]): Promise<void> {
    return this.#show(lines.map((text) => v1.ShownLine.create({ node, process, isError, text })));
  }

  #show(lines: readonly v1.ShownLine[]): Promise<void> {
    for (const line of lines) this.#options.log.add(line);
    return writeShown(lines, this.#options);
  }
}

/** Characters of a line without an end that are kept. */
const LONGEST = 65_536;
