/** Custom options: each must be declared, and for this kind of place; so none of ours is ever overlooked. */
import type { Place } from './place.js';
import type { ExtensionSymbol } from './symbols.js';
import { type OptionNode, refusal } from './syntax/index.js';

/** A custom option of a declaration. */
export interface CustomOption {
  readonly extension: ExtensionSymbol;
  readonly node: OptionNode;
}

/**
 * The custom options among `options`, which stand at a declaration within `scope`, and extend `google.protobuf.` + `kind`. Throws
 * ConfigError for one that is not declared or belongs elsewhere.
 */
export function checkOptions(
  options: readonly OptionNode[],
  kind: string,
  scope: string,
  { file, symbols }: Pick<Place, 'file' | 'symbols'>,
): readonly CustomOption[] {
  return options.flatMap((node) => {
    const [name] = node.extensions;
    if (name === undefined || !node.spelling.startsWith('(')) return [];
    const extension = symbols.innermost(name, scope, file);
    if (extension?.kind !== 'extension') {
      throw refusal(
        file.path,
        node.line,
        `The option (${name}) is not declared in this file or in one that it imports. ${hintFor(name)}`,
      );
    }
    const { extendee } = extension.node;
    const extended = symbols.innermost(extendee, extension.scope, extension.file)?.fullName;
    if (extended !== `google.protobuf.${kind}`) {
      throw refusal(
        file.path,
        node.line,
        `The option (${name}) belongs to ${extended ?? extendee}, and here ${kind} stand. Move it where it belongs.`,
      );
    }
    return [{ extension, node }];
  });
}

function hintFor(name: string): string {
  if (!/^\.?millrace\./.test(name)) return 'Is an import missing?';
  return 'millrace/v1/annotations.proto declares millrace.v1.mode and millrace.v1.lane.';
}
