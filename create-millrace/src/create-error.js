/**
 * What a user did wrong. `code` is one of:
 *
 * - `USAGE`: the words of the command line make no sense.
 * - `UNKNOWN_TEMPLATE`: there is no such template.
 * - `BAD_NAME`: no package name can be made of the folder's name.
 * - `FOLDER_NOT_EMPTY`: files are there already, or the path is that of a file.
 */
export class CreateError extends Error {
  constructor(code, message) {
    super(message);
    this.name = 'CreateError';
    this.code = code;
  }
}
