import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'

export interface Passwords {
  /** Hashes with scrypt and a salt of its own. The parameters are kept with the hash, so that they can rise. */
  readonly hash: (password: string) => Promise<string>
  /** Compares in constant time. For an account that does not exist, pass `undefined`: it takes as long. */
  readonly check: (password: string, stored: string | undefined) => Promise<boolean>
}

/**
 * @param cost - Of scrypt, with r = 8 and p = 1: a power of two. Default is the 2^17 of OWASP's password storage cheat
 * sheet, which takes 128 MiB.
 */
export function createPasswords (cost = 2 ** 17): Passwords {
  const parameters = { N: cost, r: 8, p: 1 }

  async function hash (password: string): Promise<string> {
    const salt = randomBytes(16)
    const derived = await derive(password, salt, parameters)
    const { N, r, p } = parameters
    return ['scrypt', N, r, p, salt.toString('base64url'), derived.toString('base64url')].join('$')
  }

  const nobody = hash(randomBytes(16).toString('hex'))

  return {
    hash,

    async check (password, stored) {
      const [, N, r, p, salt = '', hash = ''] = (stored ?? await nobody).split('$')
      const expected = Buffer.from(hash, 'base64url')
      const actual = await derive(password, Buffer.from(salt, 'base64url'), { N: Number(N), r: Number(r), p: Number(p) })
      return timingSafeEqual(actual, expected) && stored !== undefined
    }
  }
}

function derive (password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The same letters typed on two keyboards can be different code points.
    scrypt(password.normalize('NFKC'), salt, 32, { ...options, maxmem: 256 * 1024 * 1024 }, (error, hash) => {
      if (error) reject(error)
      else resolve(hash)
    })
  })
}
