/**
 * What a page of the documentation tells its reader to do, in the order of the page.
 *
 * A fenced block whose first line is a comment that names a file (`// main.js`) is that file. Each line of an `sh` block is a command:
 *
 *     node main.js                  # prints 12.5
 *     node server.js &              # prints listening
 *     kill %?server
 *
 * `# prints TEXT` is the whole output of the command on one line; of a command in the background it is the line that says that it is ready.
 * A `text` block right after an `sh` block is the whole output of its last command. `kill %?WORD` ends the command in the background that contains the word, and
 * expects exit code 0; `kill -9 %?WORD` kills it. (A shell gives the number of a job that has ended to the next one.)
 * The commands of an `sh checkout` block are for a checkout of this repository. Every other block is an illustration.
 */
export type Step =
  | { readonly kind: 'file'; readonly path: string; readonly text: string }
  | { readonly kind: 'run'; readonly command: string; readonly prints: string | undefined }
  | { readonly kind: 'start'; readonly command: string; readonly prints: string }
  | { readonly kind: 'kill'; readonly job: string; readonly signal: 'SIGTERM' | 'SIGKILL' };

interface Block {
  readonly info: string;
  readonly text: string;
  readonly end: number;
  readonly begin: number;
}

export function stepsOf(page: string): readonly Step[] {
  const blocks = blocksOf(page);
  return blocks.flatMap((block, index): readonly Step[] => {
    if (block.info !== 'sh') return fileOf(block);
    const next = blocks[index + 1];
    const isOutput = next?.info === 'text' && page.slice(block.end, next.begin).trim() === '';
    return commandsOf(block, isOutput ? next.text.trim() : undefined);
  });
}

/** The steps of a page before the first for which `isEnd` holds. */
export function stepsBefore(page: string, isEnd: (step: Step) => boolean): readonly Step[] {
  const steps = stepsOf(page);
  const end = steps.findIndex(isEnd);
  // Without it slice would quietly leave out the last step.
  if (end < 1) throw new Error('The page has no step that this test ends before: has it been renamed?');
  return steps.slice(0, end);
}

/** The commands for a checkout that a page shows, without their remarks. */
export function checkoutCommands(page: string): readonly string[] {
  return blocksOf(page)
    .filter(({ info }) => info === 'sh checkout')
    .flatMap(({ text }) => linesOf(text))
    .map((line) => line.replace(/\s+# .*$/, ''));
}

function blocksOf(page: string): readonly Block[] {
  return [...page.matchAll(/^```(\S[^\n]*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    info: match[1] ?? '',
    text: match[2] ?? '',
    begin: match.index,
    end: match.index + match[0].length,
  }));
}

function fileOf({ text }: Block): readonly Step[] {
  const path = /^(?:\/\/|#) ([\w./-]+\.\w+)$/m.exec(text.split('\n', 1)[0] ?? '')?.[1];
  return path === undefined ? [] : [{ kind: 'file', path, text }];
}

function commandsOf({ text }: Block, output: string | undefined): readonly Step[] {
  const lines = linesOf(text);
  return lines.map((line, index) => stepOf(line, index === lines.length - 1 ? output : undefined));
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

function stepOf(line: string, output: string | undefined): Step {
  const [code = '', remark] = line.split(/\s+# /);
  const prints = remark?.startsWith('prints ') ? remark.slice('prints '.length) : output;
  const [, nine, job] = /^kill (-9 )?%\?(\S+)$/.exec(code) ?? [];
  if (job !== undefined) return { kind: 'kill', job, signal: nine === undefined ? 'SIGTERM' : 'SIGKILL' };
  if (!code.endsWith(' &')) return { kind: 'run', command: code, prints };
  if (prints === undefined) throw new Error(`The page does not say what "${line}" prints when it is ready.`);
  return { kind: 'start', command: code.slice(0, -2), prints };
}
