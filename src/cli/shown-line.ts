/** How a line of a run is shown: by `millrace up` itself, and by `millrace logs`. */
import { isRecord } from '../foreign.js';
import { escapeLine, escapeLines } from '../logging/index.js';
import type { v1 } from '../protocol/index.js';

export interface LineStyle {
  /** A line of JSON for each line of output, in place of a prefix. */
  readonly isJson: boolean;
  readonly hasPrefix: boolean;
}

/** One line of text, without its line feed. A line that has a level is a log record of the infrastructure, the others are what a process wrote. */
export function formatShown(shown: v1.ShownLine, { isJson, hasPrefix }: LineStyle): string {
  const { node, process, isError, text, level, fields } = shown;
  if (level === '') {
    if (isJson) return JSON.stringify({ node, process, stream: isError ? 'stderr' : 'stdout', line: text });
    return hasPrefix ? `${node} ${process} | ${escapeLines(text)}` : text;
  }
  if (isJson) return JSON.stringify({ node, process, level, message: text, fields: parsed(fields) });
  return `${node} ${process} | ${level} ${escapeLine(text)} ${fields === '{}' ? '' : escapeLine(fields)}`.trimEnd();
}

/** Writes lines to standard output, or to standard error what was written there and log records. Resolves when the streams take more. */
export async function writeShown(lines: readonly v1.ShownLine[], style: LineStyle): Promise<void> {
  let begun: { readonly to: NodeJS.WriteStream; text: string } | undefined;
  for (const line of lines) {
    const to = (line.isError && !style.isJson) || line.level !== '' ? process.stderr : process.stdout;
    if (begun !== undefined && begun.to !== to) await write(begun.to, begun.text);
    if (begun?.to !== to) begun = { to, text: '' };
    begun.text += `${formatShown(line, style)}\n`;
  }
  if (begun !== undefined) await write(begun.to, begun.text);
}

function write(to: NodeJS.WriteStream, text: string): Promise<void> {
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
