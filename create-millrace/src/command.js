// The command line of `npm create millrace`.
import { relative } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createProject, templates } from './create.js';
import { CreateError } from './create-error.js';

const DEFAULT_FOLDER = 'millrace-app';

/** Runs the command. Resolves to its exit code: 0, or 2 where no project was made. */
export async function main(args, { input = process.stdin, output = process.stdout, errors = process.stderr } = {}) {
  try {
    const { folder, template, help } = readArgs(args);
    if (help) {
      output.write(usage());
      return 0;
    }
    const answers = await ask({ folder, template }, input, output);
    output.write(nextSteps(createProject(answers.folder, answers.template), answers.template));
    return 0;
  } catch (error) {
    if (!(error instanceof CreateError)) throw error;
    errors.write(`create-millrace: ${error.code}: ${error.message}\n`);
    return 2;
  }
}

function readArgs(args) {
  const options = {
    template: { type: 'string', short: 't', multiple: true },
    help: { type: 'boolean', short: 'h', default: false },
  };
  let parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (cause) {
    throw new CreateError('USAGE', `${cause.message.split('. ')[0]}.\n${usage()}`);
  }
  const { values, positionals } = parsed;
  const [template, ...others] = values.template ?? [];
  if (others.length > 0)
    throw new CreateError('USAGE', `One template is expected, not ${values.template.join(', ')}.\n${usage()}`);
  if (positionals.length > 1)
    throw new CreateError('USAGE', `One folder is expected, not ${positionals.join(', ')}.\n${usage()}`);
  return { folder: positionals[0], template, help: values.help };
}

/** Asks for what is missing, if somebody is there to answer. */
async function ask({ folder, template }, input, output) {
  if (folder !== undefined && template !== undefined) return { folder, template };
  if (!input.isTTY || !output.isTTY) {
    const missing = folder === undefined ? 'the folder of the project' : 'a template';
    throw new CreateError('USAGE', `The command needs ${missing}.\n${usage()}`);
  }
  const terminal = createInterface({ input, output });
  // Lines that were typed before the question are its answers, too.
  const lines = terminal[Symbol.asyncIterator]();
  const question = async (text) => {
    terminal.setPrompt(text);
    terminal.prompt();
    const { done, value } = await lines.next();
    // By Ctrl-C or Ctrl-D.
    if (done) throw new CreateError('USAGE', 'Nothing was made: a question has no answer.');
    return value.trim();
  };
  try {
    return {
      folder: folder ?? ((await question(`Folder of the project (${DEFAULT_FOLDER}): `)) || DEFAULT_FOLDER),
      template: template ?? (await askTemplate(question, output)),
    };
  } finally {
    terminal.close();
  }
}

async function askTemplate(question, output) {
  const known = Object.entries(templates());
  output.write(known.map(([name, about], index) => `  ${index + 1}  ${name.padEnd(10)}${about}\n`).join(''));
  for (;;) {
    const answer = await question(`Template (1-${known.length}, or its name): `);
    const [name] = known.find(([each], index) => answer === each || answer === String(index + 1)) ?? [];
    if (name !== undefined) return name;
    output.write(answer === '' ? 'Choose one of them.\n' : `There is no template "${answer}".\n`);
  }
}

function usage() {
  const list = Object.entries(templates()).map(([name, about]) => `  ${name.padEnd(10)}${about}\n`);
  return `Usage: npm create millrace@latest FOLDER -- --template NAME\n\nTemplates:\n${list.join('')}`;
}

function nextSteps({ folder, name }, template) {
  const path = relative(process.cwd(), folder);
  const change = path === '' ? '' : `  cd ${/\s/.test(path) ? JSON.stringify(path) : path}\n`;
  return `${name} is made from the template ${template}. Next:\n\n${change}  npm install\n  npm test\n  npm start\n\nREADME.md there says what is where.\n`;
}
