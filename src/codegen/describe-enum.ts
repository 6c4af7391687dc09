import { checkOptions } from './check-options.js';
import { checkProto, type Place } from './place.js';
import { withOptions } from './features.js';
import type { EnumSchema } from './schema.js';
import { type EnumSymbol, scopeOf } from './symbols.js';
import { type EnumNode, refusal } from './syntax/index.js';

const [MIN, MAX] = [-(2 ** 31), 2 ** 31 - 1];

/** Throws ConfigError, with file and line, for what protobuf does not allow. */
export function describeEnum({ node, fullName, exportedName }: EnumSymbol, place: Place): EnumSchema {
  const { file, features } = place;
  checkOptions(node.options, 'EnumOptions', scopeOf(fullName), place);
  const { enum_type } = withOptions(features, node.options, file.path);
  const [first] = node.values;
  if (first === undefined) throw refusal(file.path, node.line, `enum ${fullName} has no value. Declare one.`);
  if (enum_type === 'OPEN' && first.number !== 0) {
    throw refusal(
      file.path,
      first.line,
      `The first value of enum ${fullName} must be 0, and ${first.name} is ${first.number}.`,
    );
  }
  checkNumbers(node, fullName, file.path);
  const values = node.values.map((value) => {
    checkProto(value.name, `A value of enum ${fullName}`, value.line, file);
    checkOptions(value.options, 'EnumValueOptions', scopeOf(fullName), place);
    return { name: value.name, number: value.number, comment: value.comment };
  });
  return { kind: 'enum', name: exportedName, fullName, comment: node.comment, values };
}

function checkNumbers({ options, values, reserved }: EnumNode, fullName: string, path: string): void {
  const alias = options.find(({ spelling }) => spelling === 'allow_alias');
  const allowsAliases = alias?.value.kind === 'word' && alias.value.text === 'true';
  const hasAliases = new Set(values.map(({ number }) => number)).size < values.length;
  if (alias !== undefined && !(allowsAliases && hasAliases)) {
    throw refusal(
      path,
      alias.line,
      allowsAliases
        ? `enum ${fullName} allows aliases, and no two of its values have one number. Remove the option.`
        : `enum ${fullName} has allow_alias = false, which says nothing. Remove the option.`,
    );
  }
  const names = new Map<number, string>();
  for (const { name, number, line } of values) {
    const value = `value ${name} of enum ${fullName}`;
    if (number < MIN || number > MAX) {
      throw refusal(path, line, `${value} is ${number}. Values are 32-bit integers: from ${MIN} to ${MAX}.`);
    }
    const other = names.get(number);
    if (other !== undefined && !allowsAliases) {
      throw refusal(
        path,
        line,
        `${value} has the number of ${other}, ${number}. Change it, or set option allow_alias = true.`,
      );
    }
    names.set(number, name);
    if (reserved.names.includes(name)) throw refusal(path, line, `${value} has a reserved name. Choose another.`);
    if (reserved.ranges.some(({ from, to }) => number >= from && number <= to)) {
      throw refusal(path, line, `${value} has the reserved number ${number}. Choose another.`);
    }
  }
}
