import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'

// OWASP's password storage cheat sheet: 2^17 with r = 8 and p = 1 takes 128 MiB.
const cost = { N: 2 ** 17, r: 8, p: 1 }

/** Hashes a password with scrypt and a salt of its own. The parameters are kept with it, so that they can rise. */
export async function hashPassword (password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/** Compares in constant time. For an account that does not exist, pass `undefined`: it takes as long. */
export async function checkPassword (password: string, stored: string | undefined): Promise<boolean> {
  const [, N, r, p, salt = '', hash = ''] = (stored ?? await nobody).split('$')
  const expected = Buffer.from(hash, 'base64url')
  const actual = await derive(password, Buffer.from(salt, 'base64url'), { N: Number(N), r: Number(r), p: Number(p) })
  return timingSafeEqual(actual, expected) && stored !== undefined
}

const nobody = hashPassword(randomBytes(16).toString('hex'))

function derive (password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The same letters typed on two keyboards can be different code points.
    scrypt(password.normalize('NFKC'), salt, 32, { ...options, maxmem: 256 * 1024 * 1024 }, (error, hash) => {
      if (error) reject(error)
      else resolve(hash)
    })
  })
}
