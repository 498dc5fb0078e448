package scan

// geoChecks are those with a weight in the GEO score alone.
var geoChecks = []check{
	{
		id: "questions", title: "Headings that ask what people ask", geoPart: "answers", geo: 8,
		why:    "People ask answer engines questions. A heading in the same words leads straight to your answer.",
		fix:    "Turn at least two headings into the questions that customers ask, in their words.",
		markup: fixed("<h2>[How much does … cost?]</h2>\n<p>[The answer, in 20 to 80 words.]</p>"),
		judge:  func(d *document) (int, string) { return outOf(d.questions, 2, "question") },
	},
	{
		id: "top-answer", title: "A direct answer near the top", geoPart: "answers", geo: 8,
		why:    "What stands first is quoted first. A passage that says in a few sentences what it is and for whom can be quoted as it is.",
		fix:    "Begin with a paragraph of 20 to 80 words that answers the page's main question and stands on its own.",
		markup: fixed("<p>[What it is, for whom, and what it does for them, in 20 to 80 words.]</p>"),
		judge: func(d *document) (int, string) {
			return present(d.topAnswer, "one of the first three passages has 20 to 80 words")
		},
	},
	{
		id: "answered", title: "Questions answered at once", with: "questions", geoPart: "answers", geo: 6,
		why:    "Engines lift the passage right below a question. It has to be the answer, not an introduction.",
		fix:    "Put an answer of 8 to 80 words right below each question, and details after it.",
		markup: fixed("<h2>[Question?]</h2>\n<p>[The answer in one to four sentences.]</p>"),
		judge:  func(d *document) (int, string) { return outOf(d.answered, 2, "answer") },
	},
	{
		id: "numbers", title: "Facts with numbers", geoPart: "evidence", geo: 8,
		why:   "In the first study of answer engines (arXiv 2311.09735), texts with statistics were cited more.",
		fix:   "Say at least five things in numbers that you can back up: prices, times, sizes, results. Never make one up.",
		judge: func(d *document) (int, string) { return outOf(len(d.figures), 5, "different number") },
	},
	{
		id: "sources", title: "Sources with links", geoPart: "evidence", geo: 7,
		why:    "In the first study of answer engines (arXiv 2311.09735), texts that cite sources were cited more, and readers can check what you say.",
		fix:    "Link what you claim to at least two independent sources, in the text rather than in the footer.",
		markup: fixed(`<a href="[https://… the source]">[who found what]</a>`),
		judge:  func(d *document) (int, string) { return outOf(len(d.external), 2, "other site") },
	},
	{
		id: "quotes", title: "A quotation", geoPart: "evidence", geo: 5,
		why:    "In the first study of answer engines (arXiv 2311.09735), texts with quotations were cited more.",
		fix:    "Quote a customer or an expert by name, with their consent and in their words.",
		markup: fixed("<blockquote>\n  <p>[Their words]</p>\n  <cite>[Name, role]</cite>\n</blockquote>"),
		judge:  func(d *document) (int, string) { return present(d.quotes > 0, "there") },
	},
	{
		id: "author", title: "Who stands behind it", geoPart: "authorship", geo: 8,
		why: "Engines prefer what somebody answers for: an author, a publisher or a brand that they can look up.",
		fix: "Name the author or the company, in the text and for machines.",
		markup: func(d *document) string {
			return metaTag("name", "author", d.meta["og:site_name"], "[name of the author or company]")
		},
		judge: func(d *document) (int, string) {
			named := d.meta["author"] != "" || d.meta["article:author"] != ""
			return present(named || d.authorLink || d.byline || d.data.author, "there")
		},
	},
	{
		id: "date", title: "When it was written or changed", geoPart: "authorship", geo: 8,
		why:    "Engines ask how fresh an answer is, and without a date they can't tell.",
		fix:    "Show the date of the last real change, and mark it up for machines.",
		markup: fixed(`<time datetime="[2026-05-01]">[1 May 2026]</time>`),
		judge:  func(d *document) (int, string) { return present(d.data.date || published(d) != "", "there") },
	},
	{
		id: "rich-type", title: "Structured data for what the page is", with: "json-ld", geoPart: "data", geo: 6,
		why:    "Article, Product, FAQPage and their like carry the facts that answers are made of: price, author, date, question and answer.",
		fix:    "Describe the page itself in JSON-LD, as what it is: an Article, a Product, a FAQPage, a LocalBusiness, a SoftwareApplication.",
		markup: linkedMarkup,
		judge:  func(d *document) (int, string) { return present(d.data.has(richTypes), "there") },
	},
	{
		id: "lists", title: "A list", geoPart: "structure", geo: 4,
		why:    "Steps and features in a list can be taken over one by one.",
		fix:    "Turn steps, features or conditions into a list of at least three items.",
		markup: fixed("<ul>\n  <li>[first]</li>\n  <li>[second]</li>\n  <li>[third]</li>\n</ul>"),
		judge:  func(d *document) (int, string) { return outOf(d.items, 3, "item") },
	},
	{
		id: "table", title: "A table with headings", geoPart: "structure", geo: 3,
		why:    "Comparisons, prices and data in a table can be read cell by cell.",
		fix:    "Put prices, sizes or a comparison into a table whose columns have th headings.",
		markup: fixed("<table>\n  <tr><th>[plan]</th><th>[price]</th></tr>\n  <tr><td>[…]</td><td>[…]</td></tr>\n</table>"),
		judge:  func(d *document) (int, string) { return present(d.headCells > 0 && d.rows > 1, "there") },
	},
	{
		id: "no-script", title: "Text that is there without JavaScript", geoPart: "reach", geo: 6,
		why:   "Many crawlers of answer engines don't run scripts. What scripts write, they never see.",
		fix:   "Send the text in the HTML: render on the server or at build time. The page's source should hold at least 100 words.",
		judge: func(d *document) (int, string) { return outOf(d.words, 100, "word") },
	},
	{
		id: "passages", title: "Passages of a readable length", geoPart: "reach", geo: 4,
		why:   "Passages of 20 to 120 words can be quoted whole: a label is too short, a wall of text too long.",
		fix:   "Write at least three paragraphs of 20 to 120 words, each about one thing.",
		judge: func(d *document) (int, string) { return outOf(d.readable, 3, "passage") },
	},
	{
		id: "snippets", title: "Let engines quote the page", with: "indexable", geoPart: "reach", geo: 4,
		why:    "nosnippet and noindex keep a page out of Google's AI answers too.",
		fix:    "Take nosnippet, max-snippet:0 and noindex out of the robots meta tag, unless nobody may quote the page.",
		markup: fixed(`<meta name="robots" content="index, follow, max-snippet:-1">`),
		judge: func(d *document) (int, string) {
			return unless(d, d.noindex || d.nosnip, "nothing in the page forbids it", "forbidden")
		},
	},
}
