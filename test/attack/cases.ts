/** What an attacker or a fault will try. */
export interface AttackCase {
  readonly what: string
  /** The file of its test, or of the first of several, in test/. */
  readonly file: string
}

/** Every case that has a test of its name, by its id. */
export const attackCases: Readonly<Record<string, AttackCase>> = {
  // Guessing.
  G1: { what: 'many sessions that know the password guess at once, on two processes', file: 'processes.test.ts' },
  G2: { what: 'one session sends parallel guesses', file: 'methods.test.ts' },
  G3: { what: 'guesses come from many addresses, forged or of one network', file: 'routes/routes.test.ts' },
  G4: { what: 'a guesser signs in again after each wrong code', file: 'request.test.ts' },
  G5: { what: 'a guesser passes on an account of their own in between', file: 'request.test.ts' },
  G6: { what: 'guesses are spread over all places that take a code', file: 'request.test.ts' },
  G7: { what: 'a guesser has a year', file: 'request.test.ts' },
  G8: { what: 'somebody without the password sends guesses', file: 'request.test.ts' },
  G9: { what: 'the processes restart, or Redis is emptied, during a lock', file: 'redis.test.ts' },
  G10: { what: 'the host has a limiter of its own, or none', file: 'routes/routes.test.ts' },
  G11: { what: 'one login is spelled in several ways', file: 'attack/accounts.test.ts' },

  // Replay.
  R1: { what: 'a code is sent twice', file: 'request.test.ts' },
  R2: { what: 'an earlier code is sent after a later one', file: 'request.test.ts' },
  R3: { what: 'a code is sent again while its step is in the window', file: 'request.test.ts' },
  R4: { what: 'a code is used for one purpose and then for another', file: 'request.test.ts' },
  R5: { what: 'a recovery code is used twice, by somebody else, or as its hash', file: 'request.test.ts' },
  R6: { what: 'a used code is sent after a restart', file: 'request.test.ts' },

  // Races.
  C1: { what: 'one code is sent many times at once to two processes', file: 'processes.test.ts' },
  C2: { what: 'one recovery code is sent many times at once to two processes', file: 'processes.test.ts' },
  C3: { what: 'codes of neighbouring steps are sent at once', file: 'storage/contract.ts' },
  C4: { what: 'one user confirms many first setups at once', file: 'processes.test.ts' },
  C5: { what: 'a request is in flight while its session passes or ends', file: 'guard.test.ts' },

  // Crashes.
  K1: { what: 'a process dies after a code was accepted and before it knows', file: 'attack/crash.test.ts' },
  K2: { what: 'a process dies at each statement of a confirmation', file: 'attack/crash.test.ts' },
  K3: { what: 'a rotation of the keys is stopped', file: 'cli/killed.test.ts' },
  K4: { what: 'a process dies while it counts an attempt', file: 'attack/crash.test.ts' },

  // What it depends on.
  D1: { what: 'the database is gone, slow, full or read-only', file: 'processes.test.ts' },
  D2: { what: 'the store of the address limit is gone', file: 'redis.test.ts' },
  D3: { what: 'the session store fails', file: 'request.test.ts' },

  // A remote verifier.
  A1: { what: 'it says yes to everything', file: 'verifiers/remote.test.ts' },
  A2: { what: 'it is down, slow, endless, elsewhere or talks nonsense', file: 'verifiers/remote.test.ts' },
  A3: { what: 'codes are sent for a locked account', file: 'verifiers/remote.test.ts' },
  A4: { what: 'it fails, and the log is read', file: 'verifiers/remote.test.ts' },
  A5: { what: 'a page asks another site for something', file: 'routes/routes.test.ts' },

  // Keys.
  E1: { what: 'the key is missing or weak', file: 'options.test.ts' },
  E2: { what: 'the key is another one', file: 'request.test.ts' },
  E3: { what: 'what is stored is altered or swapped', file: 'request.test.ts' },
  E4: { what: 'two keys are in use during a rotation', file: 'keys.test.ts' },
  E5: { what: 'a dump of the tables and the sessions is read', file: 'request.test.ts' },

  // Time and input.
  I1: { what: 'codes at the edge of the window', file: 'request.test.ts' },
  I2: { what: 'clocks that differ or step back', file: 'request.test.ts' },
  I3: { what: 'values of another type, digits of other scripts, repeated and special keys', file: 'routes/input.test.ts' },
  I4: { what: 'bodies that are huge or random', file: 'routes/input.test.ts' },
  I5: { what: 'markup and parameters in names', file: 'pages/pages.test.ts' },
  I6: { what: 'a way back that leads to another site', file: 'pages/pages.test.ts' },

  // Sessions and the life of an enrolment.
  S1: { what: 'a session id is planted', file: 'request.test.ts' },
  S2: { what: 'a session has the password alone, or the proof of somebody else', file: 'guard.test.ts' },
  S3: { what: 'a session changes its user', file: 'guard.test.ts' },
  S4: { what: 'the user comes in by a reset, another site, a link or a token', file: 'attack/accounts.test.ts' },
  S5: { what: 'a further setup is begun while two-factor authentication is on', file: 'request.test.ts' },
  S6: { what: 'a setup is begun in a stolen session', file: 'request.test.ts' },
  S7: { what: 'a setup is abandoned, or its secret asked for again', file: 'request.test.ts' },
  S8: { what: 'factors are changed without a pass, or those of somebody else', file: 'request.test.ts' },

  // Trusted devices.
  T1: { what: 'a device wants to be remembered where that is off', file: 'devices.test.ts' },
  T2: { what: 'the token of a device is stolen, forged, old or of somebody else', file: 'devices.test.ts' },
  T3: { what: 'a trusted device asks for what needs a fresh pass', file: 'devices.test.ts' },

  // The guard and the web.
  W1: { what: 'other methods, upgrades, contexts and orders of registration', file: 'guard.test.ts' },
  W2: { what: 'protect: all in a child context', file: 'guard.test.ts' },
  W3: { what: 'other spellings of a path', file: 'guard.test.ts' },
  W4: { what: 'what the guard asks fails or hangs', file: 'guard.test.ts' },
  W5: { what: 'another site sends the request', file: 'routes/input.test.ts' },
  W6: { what: 'a cache, a frame or an address keeps what it should not', file: 'routes/routes.test.ts' },
  W7: { what: 'the log of every level is read', file: 'routes/routes.test.ts' },
  W8: { what: 'answers are compared to find out who is enrolled', file: 'request.test.ts' }
}
