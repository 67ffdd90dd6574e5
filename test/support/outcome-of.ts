/** What came of a client's call, as a value by which two of them can be compared. */
export async function outcomeOf(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return { value: await run() };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { status, code, type, error: body } = Object(error);
    return {
      error: { name: error.constructor.name, message: error.message, status, code, type, body },
    };
  }
}
