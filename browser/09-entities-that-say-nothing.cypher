// Share of entities that are numbers, stop words or generic headings: at most 5 %
// A key counts as a number if all its words are digits or number words, as a stop word or generic heading if all its words
// are such words or numbers ("annex 2"). A name such as "RA-88" has a word that is neither.
WITH
  split('billion eight eighteen eighth eighty eleven fifteen fifth fifty first five forty four fourteen fourth half '
    + 'hundred i ii iii iv ix million nine nineteen ninety ninth one percent second seven seventeen seventh seventy six '
    + 'sixteen sixth sixty ten tenth third thirteen thirty thousand three twelve twenty two v vi vii viii x zero', ' ') AS numbers,
  split('a about above across after again against all along also am among amongst an and any anybody anyone anything are '
    + 'aren around as at be because been before behind being below beside besides between both but by can cannot could '
    + 'couldn d did didn do does doesn doing don down during each either else ever everybody everyone everything few '
    + 'for from further had hadn has hasn have haven having he her here hers herself him himself his how however i if '
    + 'in into is isn it its itself just ll m ma me more most much must my myself no nor not now nowadays of off on '
    + 'once only onto or other our ours ourselves out over own re s same shall shan she should shouldn since so some '
    + 'somebody someone something such t than that the their theirs them themselves then there these they this those '
    + 'through to too toward towards under until up upon us ve very via was wasn we were weren what when where whether '
    + 'which while who whom whose why will with within without won would wouldn yet you your yours yourself yourselves', ' ') AS stop,
  split('about abstract acknowledgements actions agenda aim also annex annexes answer answers appendix approach '
    + 'asked assumptions attachment attendees audience author background bibliography cause change changelog changes chapter '
    + 'checklist clause comment comments conclusion conclusions contact contacts contents context date decision '
    + 'decisions definition definitions description details discussion do document documents dr example examples facts '
    + 'faq faqs features figure figures findings footnotes frequently further general glossary goal goals history home '
    + 'how impact index info information instructions intro introduction item items key learned lessons license links '
    + 'list log main menu metadata method methods minutes misc miscellaneous name navigation next note notes number '
    + 'objective objectives of options other outline outlook overview owner page paragraph part participants point '
    + 'points preface prerequisites problem procedure process purpose question questions reading reference references '
    + 'related remark remarks requirements responsibilities result results review revision risks roles root scope '
    + 'section sections see setup solution specification specifications start status steps subject summary support '
    + 'table tables tasks team terms text timeline title tl to todo topic topics total troubleshooting type untitled '
    + 'update updates usage value version versions well went what why', ' ') AS generic
MATCH (e:Entity)
WITH e, numbers, stop, generic, split(e.key, ' ') AS words
WITH e, CASE
  WHEN all(word IN words WHERE word =~ '[\\d.,]+(st|nd|rd|th)?' OR word IN numbers) THEN 'number'
  WHEN all(word IN words WHERE word IN stop) THEN 'stop word'
  WHEN all(word IN words WHERE word =~ '[\\d.,]+' OR word IN numbers OR word IN stop OR word IN generic) THEN 'generic heading'
END AS noise
RETURN count(e) AS entities, count(noise) AS noise,
  round(100.0 * count(noise) / CASE count(e) WHEN 0 THEN 1 ELSE count(e) END, 1) AS percent,
  collect(CASE WHEN noise IS NOT NULL THEN e.name + ' (' + noise + ')' END)[..20] AS examples
