import { StringDecoder } from 'node:string_decoder';
import type { v1 } from '../protocol/index.js';
import type { Display } from '../actors/services/index.js';
import { escapeLine, escapeLines, LOG_LEVELS } from '../logging/index.js';
import { overwriteLine } from './output.js';
import { isRecord } from '../foreign.js';

type Write = (text: string) => Promise<void>;

export interface DisplayOptions {
  /** A line of JSON for each line of output, in place of a prefix. */
  readonly isJson: boolean;
  readonly hasPrefix: boolean;
  readonly isQuiet: boolean;
  /** Lowest level of log records of the infrastructure that are shown. */
  readonly level: (typeof LOG_LEVELS)[number];
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

  record(node: string, { process: name, level, message, fields }: v1.LogRecord): void {
    const known = LOG_LEVELS.find((each) => each === level) ?? 'info';
    if (LOG_LEVELS.indexOf(known) < LOG_LEVELS.indexOf(this.#options.level)) return;
    const { isJson } = this.#options;
    const text = isJson
      ? JSON.stringify({ node, process: name, level, message, fields: parsed(fields) })
      : `${node} ${name} | ${level} ${escapeLine(message)} ${fields === '{}' ? '' : escapeLine(fields)}`.trimEnd();
    void write(process.stderr, `${text}\n`);
  }

  progress(step: string, waitsFor: string, done: number, nodes: number): void {
    if (this.#options.isQuiet || this.#options.isJson || !process.stderr.isTTY) return;
    const text = done < nodes ? `millrace: ${step}: waits for ${waitsFor}, ${done} of ${nodes}` : '';
    overwriteLine(text);
  }

  /** Writes the lines that were begun and not ended. */
  async close(): Promise<void> {
    for (const { node, name, isError, decoder, begun } of this.#streams.values()) {
      const rest = `${begun}${decoder.end()}`;
      if (rest !== '') await this.#write(node, name, isError, [rest]);
    }
    this.#streams.clear();
  }

  #stream(node: string, name: string, isError: boolean): Stream {
    const key = JSON.stringify([node, name, isError]);
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const stream = { node, name, isError, decoder: new StringDecoder('utf8'), begun: '' };
    this.#streams.set(key, stream);
    return stream;
  }

  #write(node: string, name: string, isError: boolean, lines: readonly string[]): Promise<void> {
    const { isJson, hasPrefix } = this.#options;
    const text = lines
      .map((line) => {
        if (isJson) return JSON.stringify({ node, process: name, stream: isError ? 'stderr' : 'stdout', line });
        return hasPrefix ? `${node} ${name} | ${escapeLines(line)}` : line;
      })
      .join('\n');
    return write(isError && !isJson ? process.stderr : process.stdout, `${text}\n`);
  }
}

/** Characters of a line without an end that are kept. */
const LONGEST = 65_536;

/** Resolves when the stream takes more. */
function write(to: NodeJS.WriteStream, text: string): ReturnType<Write> {
  return new Promise((resolve) => to.write(text, () => resolve()));
}

function parsed(fields: string): unknown {
  try {
    const value: unknown = JSON.parse(fields);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
