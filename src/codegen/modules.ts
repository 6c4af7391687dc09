/** The code of a generated module: its .js. */
import { docComment, header } from './texts.js';
import { Imports, type RuntimeModules } from './imports.js';
import { emitCreate } from './message-create.js';
import { emitRead } from './message-read.js';
import { emitWrite } from './message-write.js';
import { emitExports, emitImports, type ModuleKind } from './module-kind.js';
import { NO_BYTES } from './scalars.js';
import { serviceRefs } from './service-refs.js';
import { FUNCTIONS } from './value-checks.js';
import type { Declaration, EnumSchema, FileSchema, MessageSchema, ServiceSchema } from './schema.js';

/** `borrowing`: the full names of the messages with borrowed fields. */
export function emitModule(
  file: FileSchema,
  modules: RuntimeModules,
  kind: ModuleKind,
  borrowing: ReadonlySet<string>,
): string {
  const imports = new Imports(file, modules);
  // Services name their messages when the module is loaded; messages name one another only when they are used.
  const isService = ({ kind }: Declaration) => kind === 'service';
  const ordered = [...file.declarations.filter((one) => !isService(one)), ...file.declarations.filter(isService)];
  const parts = ordered.map((declaration) => {
    if (declaration.kind === 'message') return emitMessage(declaration, imports, borrowing);
    return declaration.kind === 'enum' ? emitEnum(declaration) : emitService(declaration, imports);
  });
  const messages = file.declarations.filter((one) => one.kind === 'message');
  const body = [...parts, ...serviceRefs(messages, imports)];
  addShared(body);
  const names = file.declarations.map(({ name }) => name);
  if (names.length > 0 || kind === 'esm') body.push(emitExports(kind, names));
  const top = [header(file), ...emitImports(kind, imports.all())].join('\n');
  return `${[top, ...body].join('\n\n')}\n`;
}

/** Adds what the parts of a module use together. */
export function addShared(body: string[]): void {
  for (const [name, text] of Object.entries(FUNCTIONS)) {
    if (body.some((part) => part.includes(`${name}(`))) body.push(text);
  }
  if (body.some((part) => part.includes(NO_BYTES))) body.unshift(`const ${NO_BYTES} = new Uint8Array(0);`);
}

function emitMessage(message: MessageSchema, imports: Imports, borrowing: ReadonlySet<string>): string {
  const { comment, name, fullName, fields } = message;
  const create = emitCreate(message, imports);
  const known = `const ${name}$fields = [${fields.map((field) => field.number).join(', ')}];`;
  const object = [
    ...docComment(comment, ''),
    `const ${name} = {`,
    `  typeName: '${fullName}',`,
    ...(borrowing.has(fullName) ? ['  borrows: true,'] : []),
    ...create.method,
    ...emitWrite(message, imports),
    ...emitRead(message, imports),
    '};',
  ];
  return [known, object.join('\n'), ...create.functions].join('\n\n');
}

function emitEnum({ comment, name, values }: EnumSchema): string {
  const lines = values.flatMap((value) => [...docComment(value.comment, '  '), `  ${value.name}: ${value.number},`]);
  return [...docComment(comment, ''), `const ${name} = {`, ...lines, '};'].join('\n');
}

function emitService({ comment, name, fullName, methods }: ServiceSchema, imports: Imports): string {
  const lines = methods.flatMap((method) => [
    ...docComment(method.comment, '    '),
    `    ${method.name}: {`,
    `      name: '${method.name}',`,
    `      fullName: '${method.fullName}',`,
    `      mode: '${method.mode}',`,
    `      lane: ${method.lane},`,
    `      request: ${imports.local(method.request)},`,
    `      response: ${imports.local(method.response)},`,
    ...(method.streamsRequests ? ['      streamsRequests: true,'] : []),
    ...(method.isIdempotent ? ['      isIdempotent: true,'] : []),
    '    },',
  ]);
  const methodsLines = methods.length === 0 ? ['  methods: {},'] : ['  methods: {', ...lines, '  },'];
  return [...docComment(comment, ''), `const ${name} = {`, `  typeName: '${fullName}',`, ...methodsLines, '};'].join(
    '\n',
  );
}
