/**
 * Packages that the build copies into dist/vendor. They load with their first use, since most programs never use them; the file is
 * CommonJS, because only `require` loads at once, and bundlers follow it. It is JavaScript, because the compiler writes no CommonJS here.
 */
declare const vendored: {
  readonly winston: () => unknown;
  readonly sax: () => unknown;
};
export = vendored;
