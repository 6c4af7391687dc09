import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

let mainUrl: string | undefined;

/** Whether a URL is that of the module that Node was started with. */
export function isMainModule(url: string): boolean {
  mainUrl ??= urlOfMain();
  return url === mainUrl;
}

/** Empty where Node was started without a file, or with what is no file. */
function urlOfMain(): string {
  const [, path] = process.argv;
  if (path === undefined) return '';
  try {
    return pathToFileURL(realpathSync(path)).href;
  } catch {
    return '';
  }
}
