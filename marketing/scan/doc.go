// Package scan audits a web page for search engines and answer engines. It is a
// pure function of the page's address and HTML: no network, no model, no clock.
//
//	report := scan.Page("https://example.com/pricing", markup)
//	fmt.Println(report.SEOScore, report.Grade)
//	fmt.Println(report.ReadableText())
//
// # Rules of scoring
//
// Every check reaches 0 to 100 % of its points. Checks ask for what is there, so
// adding what is missing never lowers a score; what is good only as long as a
// fault is not there (noindex, images without alt) counts on pages that have
// text. An empty page has 0 points. Counted are words, numbers and passages
// outside of nav and footer, from the HTML as it was sent. In scripts that put
// no spaces between words, two characters count as a word. Length of titles and
// descriptions is in characters. A passage is a block of text, of 8 words or
// more, that is no heading; a question is a heading, dt or summary that ends with
// a question mark or begins with a question word of a few languages.
//
// # SEO score
//
// Google's documents are those of Search Central (developers.google.com/search).
//
//	meta            25  title of 10 to 60 characters 8 (other lengths half), description of
//	                    1 to 160 characters 8 (longer half), charset 4, html lang 5
//	                    [Google: title links, snippets; HTML Standard 4.2.5, 3.2.6]
//	openGraph       15  og:title 4, og:description 4, og:image with a web address 4, og:type 3
//	                    [ogp.me: basic metadata]
//	structuredData  15  a JSON-LD script that parses 8, a known @type of schema.org in it 7
//	                    [Google: intro to structured data; schema.org]
//	headings        10  an h1 with text 6, three h2 to h6: 4. Their order doesn't count: Google's
//	                    SEO starter guide says that it doesn't matter to Search
//	content         12  300 words, in proportion. Google has no minimum; the number only tells a
//	                    page with substance from one without
//	links            8  three pages of the same site linked with a text 4, the share of images
//	                    with an alt attribute 4 [Google: crawlable links; image SEO]
//	crawling        10  one canonical address 4, no noindex 6 [Google: canonical URLs; robots meta tag]
//	mobile           5  viewport with a width 3; https, and a path of at most 100 characters without
//	                    capitals and underscores, and at most 2 parameters, 2; a fault takes half
//	                    [Google: mobile-first indexing; URL structure]
//
// # GEO score
//
// Generative engine optimization: how easily an answer engine can quote the
// page. What is known of it is thin. The study that named it (Aggarwal et al.,
// "GEO: Generative Engine Optimization", 2023, arXiv 2311.09735) measured gains
// from citing sources, quotations and statistics; Google says that its AI
// features have no requirements beyond those of Search, apart from snippets
// being allowed ("AI features and your website"). The rest is what makes a text
// quotable by its form, and the weights are ours.
//
//	answers         22  two questions as headings 8, one of the first three passages with 20 to
//	                    80 words 8, two questions with a passage of 8 to 80 words right below 6
//	evidence        20  five different numbers 8, links to two other sites in the content, social
//	                    networks not counted, 7, a blockquote, q or cite 5
//	authorship      16  an author, publisher or brand in meta, rel, microdata or JSON-LD 8,
//	                    a date as time, meta, microdata or JSON-LD 8
//	data            16  JSON-LD that parses 6, a known @type 4, one that says what the page is 6
//	structure       12  three headings h2 to h6: 5, three list items 4, a table with th 3
//	reach           14  100 words in the HTML 6, three passages of 20 to 120 words 4,
//	                    neither noindex nor nosnippet nor max-snippet:0 4
//
// The grade is A from 90, B from 80, C from 70, D from 60 and F below. The bands
// of both scores are green from 80, amber from 60 and red below.
//
// # Scores for single engines
//
// The same six dimensions, weighed in percent as below. No engine publishes how
// it chooses, so these are estimates with these reasons: ChatGPT's and
// Perplexity's crawlers are not known to run JavaScript, so reach weighs more;
// Perplexity shows sources with each claim, so evidence does; Gemini and Google's
// AI features stand on Google's index, which reads structured data, though
// Google says that none is required.
//
//	            answers  evidence  authorship  data  structure  reach
//	chatgpt          25        20          10     5         15     25
//	perplexity       20        30          15     5         10     20
//	gemini           20        15          15    25         10     15
//	googleAi         20        15          15    15         15     20
//
// # Checklist and artifacts
//
// What is left to do is urgent when it brings 6 points or more, SEO and GEO
// together. The artifacts, llms.txt (llmstxt.org) and JSON-LD (schema.org), are
// built of what the page says and of nothing else; JSON-LD leaves out the types
// that the page has. All texts of the page in a report are cut, and without
// characters that can't be seen. They are data that others wrote.
package scan
