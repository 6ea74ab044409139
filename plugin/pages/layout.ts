import { html, trusted } from './html.js'
import type { PageFrame } from './page.js'

/** A picture in place of the host's name. */
export interface Logo {
  /** A path of this site, an `https:` URL or a `data:` URL of an image. */
  readonly src: string
  /** Default is the name of the site. */
  readonly alt?: string
  /** In pixels. Default is the picture's own. */
  readonly width?: number
  readonly height?: number
}

/** The whole document of a page that no host wraps. */
export function documentOf (
  { title, content, style, scriptUrl, language, direction, site }: PageFrame, logo: Logo | undefined
): string {
  // The referrer stays within this site: with none at all, browsers would send `Origin: null` with the forms.
  return html`<!doctype html>
<html lang="${language}" dir="${direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<meta name="robots" content="noindex">
<title>${title} · ${site.name}</title>
<style>${trusted(style)}</style>
<script type="module" src="${scriptUrl}"></script>
</head>
<body class="two-factor-page">
<header>${logo ? html`<img src="${logo.src}" alt="${logo.alt ?? site.name}"${sizeOf(logo)}>` : html`<bdi>${site.name}</bdi>`}</header>
<main>
${trusted(content)}
</main>
</body>
</html>
`.markup
}

function sizeOf ({ width, height }: Logo) {
  return html`${width !== undefined && html` width="${width}"`}${height !== undefined && html` height="${height}"`}`
}
