import { readFileSync } from 'node:fs'
import t from 'tap'
import ts from 'typescript'
import { shippedLanguages } from '../../plugin/pages/languages.js'

t.test('every form that a number can ask for is written, and none that no number asks for', async t => {
  for (const tag of Object.keys(shippedLanguages)) {
    const rules = new Intl.PluralRules(tag)
    const asked = [...new Set(Array.from({ length: 1001 }, (_, count) => rules.select(count)))].sort()
    const forms = formsIn(tag)
    t.ok(forms.length > 0 && forms.length === formsIn('en').length, `${tag}: forms of each message with a number`)
    for (const categories of forms) t.same([...categories].sort(), asked, tag)
  }
})

/** The categories of each message with a number, as the source has them: at run time they are a function's own. */
function formsIn (tag: string): string[][] {
  const file = new URL(`../../plugin/pages/languages/${tag}.ts`, import.meta.url)
  const source = ts.createSourceFile(`${tag}.ts`, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)
  const found: string[][] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText(source) === 'plural') {
      const [, forms] = node.arguments
      if (!forms || !ts.isObjectLiteralExpression(forms)) throw new Error(`No forms in ${tag}`)
      found.push(forms.properties.map(property => property.name?.getText(source) ?? ''))
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

t.test('numbers agree with what is counted', async t => {
  const left = (tag: string, ...numbers: number[]) =>
    numbers.map(count => shippedLanguages[tag]?.recoveryCodesLeft(count).replace(/[.。]$/, ''))
  const days = (tag: string, ...numbers: number[]) =>
    numbers.map(count => shippedLanguages[tag]?.requiredFrom('', count).split(/: |。/)[1]?.replace(/\.$/, ''))
  t.same(left('en', 0, 1, 2), ['You have 0 recovery codes left', 'You have 1 recovery code left', 'You have 2 recovery codes left'])
  t.same(left('de', 0, 1, 1000), ['Sie haben noch 0 Wiederherstellungscodes', 'Sie haben noch 1 Wiederherstellungscode', 'Sie haben noch 1.000 Wiederherstellungscodes'])
  t.same(left('fr', 0, 1, 2), ['Il vous reste 0 code de récupération', 'Il vous reste 1 code de récupération', 'Il vous reste 2 codes de récupération'])
  t.same(left('es', 0, 1, 2), ['Te quedan 0 códigos de recuperación', 'Te queda 1 código de recuperación', 'Te quedan 2 códigos de recuperación'])
  t.same(left('pt', 0, 1, 2), ['Você ainda tem 0 código de recuperação', 'Você ainda tem 1 código de recuperação', 'Você ainda tem 2 códigos de recuperação'])
  t.same(left('ja', 0, 1, 2), ['残りのリカバリーコードは0個です', '残りのリカバリーコードは1個です', '残りのリカバリーコードは2個です'])
  t.same(left('ar', 0, 1, 2, 3, 11, 100), [
    'لم يتبقَّ لديك أي رمز استرداد', 'تبقّى لديك رمز استرداد واحد', 'تبقّى لديك رمزا استرداد اثنان',
    'تبقّت لديك 3 رموز استرداد', 'تبقّى لديك 11 رمز استرداد', 'تبقّى لديك 100 رمز استرداد'
  ])
  t.same(days('ar', 1, 2, 10, 99, 102), [
    'تبقّى لديك يوم واحد', 'تبقّى لديك يومان', 'تبقّت لديك 10 أيام', 'تبقّى لديك 99 يومًا', 'تبقّى لديك 102 يوم'
  ])
  t.same(days('en', 1, 2), ['you have 1 day left', 'you have 2 days left'])
  t.same(days('de', 1, 2), ['Sie haben noch 1 Tag Zeit', 'Sie haben noch 2 Tage Zeit'])
  t.same(days('fr', 1, 2), ['il vous reste 1 jour', 'il vous reste 2 jours'])
  t.same(days('es', 1, 2), ['te queda 1 día', 'te quedan 2 días'])
  t.same(days('pt', 1, 2), ['você ainda tem 1 dia', 'você ainda tem 2 dias'])
  t.same(days('ja', 1, 2), ['あと1日です', 'あと2日です'])
})
