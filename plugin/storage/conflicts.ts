// SQLSTATE, PostgreSQL's appendix A.
const conflicts = ['40P01', '40001']

/** Runs a statement over many users again, up to three times in all, if it met another one of that sort. */
export async function repeatedly<Result> (statement: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await statement()
    } catch (error) {
      if (attempt === 3 || !conflicts.includes(String((error as { code?: unknown }).code))) throw error
    }
  }
}
