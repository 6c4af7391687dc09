import { Imports, moduleStem, type RuntimeModules } from './imports.js';
import type { FileSchema, TypeReference } from './schema.js';

/** Path of the module of the views of a .proto file, without `.js` and `.d.ts`. */
export function viewStem(path: string): string {
  return `${moduleStem(path)}.views`;
}

/** The class that views a message of this exported name. */
export function viewName(name: string): string {
  return `${name}View`;
}

/** As Imports, for the module of the views of a file: what the file declares comes from its own module. */
export class ViewImports extends Imports {
  readonly #path: string;
  readonly #modules: RuntimeModules;

  constructor(file: FileSchema, modules: RuntimeModules) {
    const names = file.declarations.flatMap(({ kind, name }) => (kind === 'message' ? [viewName(name)] : []));
    super(file, modules, names);
    this.#path = file.path;
    this.#modules = modules;
  }

  /** Local name of the view of a message; undefined for one that Millrace ships, which has none. */
  view(reference: TypeReference): string | undefined {
    if (this.#modules.shipped.has(reference.file)) return undefined;
    const name = viewName(reference.name);
    return reference.file === this.#path ? name : this.fromModule(`${viewStem(reference.file)}.js`, name);
  }
}
