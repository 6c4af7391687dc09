/** The code of the views of a file: a lazy reader of each message, in a module beside that of the messages. */
import type { RuntimeModules } from './imports.js';
import { addShared } from './modules.js';
import { emitExports, emitImports, type ModuleKind } from './module-kind.js';
import { type FileSchema, isOneof, type MessageSchema } from './schema.js';
import { serviceRefs } from './service-refs.js';
import { header } from './texts.js';
import { emitViewCheck } from './view-check.js';
import { emitGetter, emitListReader, emitNote, slotsOf } from './view-fields.js';
import { ViewImports, viewName } from './view-imports.js';

/** Undefined for a file without messages. */
export function emitViewModule(file: FileSchema, modules: RuntimeModules, kind: ModuleKind): string | undefined {
  const messages = file.declarations.filter((one) => one.kind === 'message');
  if (messages.length === 0) return undefined;
  const imports = new ViewImports(file, modules);
  const body = [...messages.map((message) => emitView(message, imports)), ...serviceRefs(messages, imports)];
  addShared(body);
  const names = messages.map(({ name }) => viewName(name));
  body.push(emitExports(kind, names));
  const top = [header(file), ...emitImports(kind, imports.all())].join('\n');
  return `${[top, ...body].join('\n\n')}\n`;
}

function emitView(message: MessageSchema, imports: ViewImports): string {
  const { name, fullName, fields, properties } = message;
  const view = viewName(name);
  const lines = [
    `const ${view}$$numbers = [${fields.map((field) => field.number).join(', ')}];`,
    ...properties.flatMap((property) => (isOneof(property) ? [] : emitListReader(property, view, imports))),
    `class ${view} extends ${imports.runtime('MessageView')} {`,
    ...emitConstructor(message, imports),
    '',
    '  static of(bytes) {',
    `    return ${imports.runtime('openView')}(${view}, bytes);`,
    '  }',
    '',
    ...emitViewCheck(message, view, imports),
    ...properties.flatMap((property) => ['', ...emitGetter(property, view, imports)]),
    '}',
    `${view}.typeName = '${fullName}';`,
  ];
  return lines.join('\n');
}

/** Notes where each field is, of bytes that were checked. */
function emitConstructor({ fields, properties }: MessageSchema, imports: ViewImports): readonly string[] {
  const slots = properties.flatMap(slotsOf);
  const scan = [
    '    while (at < end) {',
    ...(slots.some(({ initial }) => initial < 0) ? ['      const from = at;'] : []),
    '      let key = bytes[at++];',
    '      if (key > 127) {',
    `        key = ${imports.runtime('keyAt')}(bytes, at - 1);`,
    `        at = ${imports.runtime('afterVarint')}(bytes, at - 1);`,
    '      }',
    '      switch (key) {',
    ...fields.flatMap((field) => emitNote(field, imports)),
    '        default:',
    `          at = ${imports.runtime('afterValue')}(bytes, at, key);`,
    '      }',
    '    }',
  ];
  return [
    '  constructor(bytes, at, end) {',
    '    super(bytes, end);',
    ...slots.map(({ slot, initial }) => `    this.${slot} = ${initial};`),
    ...(fields.length === 0 ? [] : scan),
    '  }',
  ];
}
