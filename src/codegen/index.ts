/**
 * `millrace gen`: turns .proto files into typed JavaScript modules. Called by the CLI and by scripts/generate.mjs, never at run
 * time. Must not import anything that it generates itself, nor write outside the folder it is told.
 */
export { type GenerateOptions, generate, type RuntimeModules } from './generate.js';
export { MODULE_KINDS, type ModuleKind } from './module-kind.js';
