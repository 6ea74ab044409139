import Negotiator from 'negotiator'
import { ar } from './languages/ar.js'
import { de } from './languages/de.js'
import { en } from './languages/en.js'
import { es } from './languages/es.js'
import { fr } from './languages/fr.js'
import { ja } from './languages/ja.js'
import { pt } from './languages/pt.js'
import { createFormats, type Formats } from './formats.js'
import type { Messages, PartialMessages } from './messages.js'

/** The languages that the package brings, by their tags (BCP 47). */
export const shippedLanguages: Readonly<Record<string, Messages>> = { en, de, fr, es, pt, ja, ar }

/** A language that a page is drawn in. */
export interface Language {
  /** Tag of the language (BCP 47). */
  readonly tag: string
  readonly messages: Messages
  readonly formats: Formats
}

/** Chooses by a preference, in the form of an `Accept-Language` (RFC 9110 section 12.5.4): also a tag alone is one. */
export type ChooseLanguage = (preference: string | undefined) => Language

/**
 * Makes languages complete. What one does not say is said by what its tag is a kind of (`pt-BR` is a kind of `pt`),
 * then by the default language, then by English.
 *
 * @param own - The host's, by tag.
 * @param defaultTag - Spoken to whoever prefers none that there is.
 */
export function createLanguages (
  own: Readonly<Record<string, PartialMessages>>, defaultTag: string
): ChooseLanguage {
  const tags = [...new Set([defaultTag, ...Object.keys(shippedLanguages), ...Object.keys(own)])]
  const languages = new Map<string, Language>()

  return preference => {
    // A header of a megabyte is no preference. Nothing is preferred over what comes first.
    const header = preference === undefined || preference.length > 1000 ? undefined : preference
    const [tag = defaultTag] = header === undefined
      ? []
      : new Negotiator({ headers: { 'accept-language': header } }).languages(tags)
    let language = languages.get(tag)
    if (!language) {
      language = { tag, messages: complete(tag, own, defaultTag), formats: createFormats(tag) }
      languages.set(tag, language)
    }
    return language
  }
}

function complete (tag: string, own: Readonly<Record<string, PartialMessages>>, defaultTag: string): Messages {
  const spoken: Messages = { ...en }
  for (const next of [...kindsOf(defaultTag), ...kindsOf(tag)]) {
    Object.assign(spoken, said(shippedLanguages[next]), said(own[next]))
  }
  // A language is written its own way, whatever another one lends it.
  const directions = kindsOf(tag).map(kind => own[kind]?.direction ?? shippedLanguages[kind]?.direction)
  const direction = directions.findLast(Boolean)
  return Object.freeze({ ...spoken, direction: direction ?? 'ltr' })
}

/** `zh`, `zh-Hant`, `zh-Hant-TW` for the last of these. */
function kindsOf (tag: string): string[] {
  const parts = tag.split('-')
  return parts.map((_, end) => parts.slice(0, end + 1).join('-'))
}

function said (messages: PartialMessages = {}): PartialMessages {
  return Object.fromEntries(Object.entries(messages).filter(([, message]) => message !== undefined))
}
