/** All values of a stream of numbers, and the error that it ended with. */
export async function readAll(
  stream: AsyncIterable<{ readonly value: number }> | Iterable<{ readonly value: number }>,
): Promise<{ values: number[]; error?: unknown }> {
  const values: number[] = [];
  try {
    for await (const { value } of stream) values.push(value);
    return { values };
  } catch (error) {
    return { values, error };
  }
}
