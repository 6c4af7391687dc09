import { MillraceError } from '#src/errors.js';

/** What `work` rejects with. */
export async function rejection(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it did not reject');
}

/** As `rejection`, where it must be an error of ours; any other is thrown. */
export async function millraceRejection(work: Promise<unknown>): Promise<MillraceError> {
  const error = await rejection(work);
  if (error instanceof MillraceError) return error;
  throw error;
}
