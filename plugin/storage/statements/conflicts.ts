import { postgres } from '../dialects/postgres.js'

/** Runs a statement over many users again, up to three times in all, if it met another one of that sort. */
export async function repeatedly<Result> (statement: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await statement()
    } catch (error) {
      if (attempt === 3 || !postgres.isConflict(error)) throw error
    }
  }
}
