import fc from 'fast-check'
import t, { type Test } from 'tap'
import { createFormats } from '../../plugin/pages/formats.js'
import { shippedLanguages } from '../../plugin/pages/languages.js'
import { en } from '../../plugin/pages/languages/en.js'
import type { Messages } from '../../plugin/pages/messages.js'

type Key = keyof Messages
type Say = (...values: (string | number)[]) => string

interface Saying {
  readonly key: Key
  readonly text: string
  /** What was put in: marks for texts. */
  readonly values: readonly (string | number)[]
}

const english: Messages = en
const marks = ['⟦a⟧', '⟦b⟧'] as const
const counts = [0, 1, 2, 3, 5, 11, 21, 100, 101, 102]

/** Which of its values is a number. */
const numberOf: { readonly [Message in Key]?: number } = { recoveryCodesLeft: 0, requiredFrom: 1 }

const keysOf = (messages: Messages) => Object.keys(messages).filter(key => key !== 'direction') as Key[]

/** A message, or each form of it for a number. */
function sayingsOf (messages: Messages, key: Key): Saying[] {
  const message = messages[key]
  if (typeof message === 'string') return [{ key, text: message, values: [] }]
  const say = message as Say
  const place = numberOf[key]
  return (place === undefined ? [0] : counts).map(count => {
    const values = marks.slice(0, say.length).map((mark, index) => index === place ? count : mark)
    return { key, text: say(...values), values }
  })
}

const everythingIn = (messages: Messages) => keysOf(messages).flatMap(key => sayingsOf(messages, key))

interface Language {
  readonly tag: string
  readonly messages: Messages
  readonly sayings: readonly Saying[]
}

/** One test for each language that comes with the package. */
function inEach (title: string, run: (t: Test, language: Language) => void) {
  t.test(title, async t => {
    for (const [tag, messages] of Object.entries(shippedLanguages)) {
      await t.test(tag, async t => run(t, { tag, messages, sayings: everythingIn(messages) }))
    }
  })
}

function breaking (sayings: readonly Saying[], rule: RegExp): string[] {
  return sayings.filter(({ text }) => rule.test(text)).map(({ key, text }) => `${key}: ${text}`)
}

/** The sayings of one language. */
function spokenIn (tag: string): Saying[] {
  const messages = shippedLanguages[tag]
  if (!messages) throw new Error(`No language ${tag}`)
  return everythingIn(messages)
}

t.test('the languages are English, German, French, Spanish, Portuguese, Japanese and Arabic, which is written from right to left', async t => {
  t.same(Object.keys(shippedLanguages), ['en', 'de', 'fr', 'es', 'pt', 'ja', 'ar'])
  for (const [tag, { direction }] of Object.entries(shippedLanguages)) t.equal(direction, tag === 'ar' ? 'rtl' : 'ltr', tag)
})

inEach('a language says exactly what English says, in the same order, with the same values', (t, { messages }) => {
  t.same(Object.keys(messages), Object.keys(english))
  for (const key of keysOf(english)) {
    t.equal(typeof messages[key], typeof english[key], key)
    t.equal(messages[key].length > 0, true, `${key} is not empty`)
    if (typeof messages[key] === 'function') t.equal(messages[key].length, english[key].length, key)
  }
})

// The same word in both languages.
const cognates: Readonly<Record<string, readonly Key[]>> = { de: ['methodCodeLabel'], fr: ['methodCodeLabel'] }

inEach('nothing is left in English but what both languages call the same', (t, { tag, messages }) => {
  if (tag === 'en') return
  const same = keysOf(english).filter(key => {
    const said = sayingsOf(english, key)
    return sayingsOf(messages, key).some(({ text }, index) => text === said[index]?.text)
  })
  t.same(same, cognates[tag] ?? [])
})

// Spaces and format characters, but for those that the language uses.
const invisible: Readonly<Record<string, RegExp>> = {
  de: /[^\P{Zs} ]|[^\P{Cf}\u00ad]/u,
  fr: /[^\P{Zs} \u00a0\u202f]|\p{Cf}/u,
  ar: /[^\P{Zs} ]|[^\P{Cf}\u2068\u2069]/u
}

inEach('messages are plain text of letters, without markup and stray spaces', (t, { tag, sayings }) => {
  t.same(breaking(sayings, /[<>&{}#\\]|undefined|NaN|\p{Cc}/u), [])
  t.same(breaking(sayings, /^\s|\s$|\s\s/), [], 'no space at an end, none doubled')
  t.same(breaking(sayings, invisible[tag] ?? /[^\P{Zs} ]|\p{Cf}/u), [], 'nothing invisible that is of no use')
})

inEach('every value is said once, and numbers as the language writes them', (t, { tag, sayings }) => {
  const numbers = new Intl.NumberFormat(tag)
  for (const { key, text, values } of sayings) {
    for (const value of values) {
      // Arabic has words of its own for none, one and two.
      if (typeof value === 'number' && tag === 'ar' && value <= 2) t.notMatch(text, /\d/, `${key}: ${text}`)
      else {
        const said = typeof value === 'number' ? numbers.format(value) : value
        // The name of two-factor authentication has a number in Japanese.
        t.equal(text.replace('2要素認証', '').split(said).length, 2, `${key}: ${text}`)
      }
    }
  }
})

inEach('a text is put in as it is, whatever it is', (_, { messages }) => {
  const keys = fc.constantFrom(...keysOf(messages))
  const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('#', '$&', '$1', '<b>', '⟦b⟧', ''))
  fc.assert(fc.property(keys, texts, texts, fc.constantFrom(...counts), (key, one, other, count) => {
    const message = messages[key]
    if (typeof message === 'string') return true
    const say = message as Say
    const fill = (values: readonly string[]) =>
      say(...values.slice(0, say.length).map((value, index) => index === numberOf[key] ? count : value))
    return fill([one, other]) === fill(marks).replace(/⟦[ab]⟧/g, mark => mark === marks[0] ? one : other)
  }))
})

// Intl has durations in the nominative, whatever they are put into.
t.test('durations fit into their sentences without being bent', async t => {
  const keys = ['trustDevice', 'lockedFor', 'tooManyRequestsFor', 'clockAhead', 'clockBehind'] as const
  const wrong: Readonly<Record<string, RegExp>> = {
    de: /\b(ab|aus|bei|in|mit|nach|seit|unter|von|vor|zu)( etwa| ungefähr)? \d/i,
    // What comes before them in Arabic would ask for another case: دقيقتين.
    ar: /(?<!: )\u2068(دقيقة|ساعة|يوم|دقيقتان|ساعتان|يومان)/,
    ja: /間間/
  }
  for (const [tag, messages] of Object.entries(shippedLanguages)) {
    const { duration } = createFormats(tag)
    for (const unit of [1000, 60_000, 3_600_000, 86_400_000]) {
      for (const count of [1, 2, 5, 30]) {
        const said = duration(unit * count)
        for (const key of keys) {
          const text = messages[key](said)
          t.ok(text.includes(said), `${tag} ${key}`)
          t.notMatch(text, wrong[tag] ?? /\s\s/, `${tag} ${key}`)
        }
      }
    }
  }
})

inEach('a sentence ends as one, and a label does not', (t, { messages }) => {
  for (const key of keysOf(english)) {
    const [whole] = sayingsOf(english, key)
    for (const { text } of sayingsOf(messages, key)) {
      if (whole?.text.endsWith('.')) t.match(text, /[.!?。؟]$/, key)
      else t.notMatch(text, /[.。]$/, key)
    }
  }
})

t.test('French has its spaces before high punctuation and inside quotation marks', async t => {
  t.same(breaking(spokenIn('fr'), /[^\u00a0\u202f][:;?!»]/), [])
  t.same(breaking(spokenIn('fr'), /«[^\u00a0\u202f]/), [])
  t.same(breaking(spokenIn('fr'), /[\u00a0\u202f](?![:;?!»⟦])/), [], 'and nowhere else')
})

t.test('quotation marks and apostrophes are those of the language, in pairs', async t => {
  const pairs: Readonly<Record<string, readonly [string, string]>> = {
    de: ['„', '“'], fr: ['«', '»'], es: ['«', '»'], pt: ['“', '”'], ja: ['「', '」'], ar: ['«', '»']
  }
  for (const [tag, [opening, closing]] of Object.entries(pairs)) {
    t.same(breaking(spokenIn(tag), /["'`´]/), [], `${tag}: none is straight`)
    const other = new RegExp(`[„“”‚‘«»‹›「」『』${tag === 'fr' ? '' : '’'}]`, 'g')
    for (const { key, text } of spokenIn(tag)) {
      const used = text.match(other) ?? []
      t.same(used, used.flatMap((_, index) => index % 2 ? [opening, closing] : []), `${tag} ${key}: ${text}`)
    }
    t.ok(spokenIn(tag).some(({ text }) => text.includes(opening)), tag)
  }
})

t.test('Spanish opens its questions', async t => {
  for (const { key, text } of spokenIn('es')) {
    t.equal(text.split('¿').length, text.split('?').length, `${key}: ${text}`)
    t.equal(text.split('¡').length, text.split('!').length, `${key}: ${text}`)
  }
})

t.test('Japanese has no spaces, and its own punctuation', async t => {
  t.same(breaking(spokenIn('ja'), /[ \u3000]|[,.!?:;()]/), [])
})

t.test('Arabic has its own punctuation, and isolates every value, so that none of another script jumbles a line', async t => {
  t.same(breaking(spokenIn('ar'), /[,;?]/), [])
  for (const { key, text, values } of spokenIn('ar')) {
    const texts = values.filter(value => typeof value === 'string')
    t.same(text.match(/\u2068[^\u2068\u2069]*\u2069/g) ?? [], texts.map(value => `\u2068${value}\u2069`), `${key}: ${text}`)
    t.equal(text.split(/[\u2068\u2069]/).length, texts.length * 2 + 1, `${key}: ${text}`)
  }
})

// WCAG 2.2, 2.5.3: who speaks to the page says what is seen.
inEach('what is heard of a button has what is seen of it', (t, { messages }) => {
  for (const [seen, heard] of [['rename', 'renameOne'], ['remove', 'removeOne'], ['revoke', 'revokeOne']] as const) {
    t.ok(messages[heard]('Ada').toLowerCase().includes(messages[seen].toLowerCase()), `${messages[heard]('Ada')} has ${messages[seen]}`)
  }
})

// WCAG 2.2, 1.4.10. The title's letters are about 13 px wide, and 280 px are there for it.
inEach('words fit on a page of 320 px', (t, { tag, messages, sayings }) => {
  for (const key of ['copy', 'download', 'print', 'copied', 'notCopied'] as const) t.ok(messages[key].length <= 13, messages[key])
  if (tag === 'ja') return
  for (const { key, text } of sayings.filter(({ key }) => key.endsWith('Title'))) {
    for (const word of text.split(/[\s\u00ad-]/)) t.ok(word.length <= 20, `${key}: ${word}`)
  }
})

t.test('one idea has one word', async t => {
  const strangers: Readonly<Record<string, RegExp>> = {
    en: /backup|passcode|\bOTP\b|token|cellphone|log ?in/i,
    de: /backup|authentifizierungs-?app|authentifikator|telefon|handy|kennwort|login|zweistufig|account|\bdu\b|\bdein/i,
    fr: /secours|authenticator|mobile|portable|\bmdp\b|double|compte utilisateur|\btu\b|\bton\b|requête/i,
    es: /móvil|celular|respaldo|autenticador|verificación|doble|usted|\bsu\b|\bescrib|petición/i,
    pt: /celular|telemóvel|reserva|aplicativo|verificação|etapas|\btua?\b|escane|digitaliz|QR code/i,
    ja: /2段階|二段階|バックアップ|サインイン|携帯|端末|認証コード|確認コード|復旧/,
    ar: /التحقق|خطوتين|احتياطي|جوال|الجوّال|كود|موبايل|رمز QR/
  }
  for (const [tag, rule] of Object.entries(strangers)) t.same(breaking(spokenIn(tag), rule), [], tag)
})
