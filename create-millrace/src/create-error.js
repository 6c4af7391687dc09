/**
 * Why no project was made, in words for the user. `code` is one of:
 *
 * - `USAGE`: the words of the command line make no sense.
 * - `UNKNOWN_TEMPLATE`: there is no such template.
 * - `BAD_NAME`: npm takes no package with the name that the folder's name gives.
 * - `FOLDER_NOT_EMPTY`: files are there already, or the path is that of a file.
 * - `CANNOT_WRITE`: the system does not let the folder be read, made or written. `cause` is its error.
 */
export class CreateError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.name = 'CreateError';
    this.code = code;
  }
}
