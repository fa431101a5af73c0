import { CATALOGUE } from '../../findings/catalogue/catalogue.ts'
import { table } from './markdown.ts'

/** The attributes `blindspot.value.KEY` of finding events, by rule. */
export function findingValuesTable(): string {
  const rows = CATALOGUE.filter((rule) => rule.detected).flatMap(({ id, values }) =>
    values
      .filter(({ of, key }) => of !== 'evidence' && key !== 'signal_source')
      .map(({ key, unit, means }) => [
        `[${id}](rules/${id}.md)`,
        `\`blindspot.value.${key}\``,
        unit === '' ? 'text' : `\`${unit}\``,
        means,
      ]),
  )
  return table(['Rule', 'Attribute', 'Unit', 'Meaning'], rows)
}
