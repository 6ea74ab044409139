/** What pages do beyond that where scripts run. Nothing depends on it. */
export const enhancements = `for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) continue
  button.hidden = false
  button.addEventListener('click', async () => {
    const lines = [...document.getElementById(button.dataset.copy).children].map(line => line.textContent)
    const said = button.textContent
    try {
      await navigator.clipboard.writeText(lines.join('\\n'))
      button.textContent = 'Copied'
    } catch {
      button.textContent = 'Not copied'
    }
    setTimeout(() => { button.textContent = said }, 2000)
  })
}
for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false
  button.addEventListener('click', () => print())
}
`
