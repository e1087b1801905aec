# probepage.tcl --
#
#	The result of a probe as a page of HTML that needs nothing else: no
#	script, no font, no picture from anywhere.

namespace eval ::pyossl::expect::probe {
    variable style {
	:root { color-scheme: light dark; --line: #d8dee6; --soft: #5b6775;
	    --card: #fff; --page: #f3f5f8; --ink: #1b2530;
	    --high: #b3261e; --medium: #b35c00; --low: #7a6a00; --info: #2c5f9e;
	    --good: #1c7a3f }
	@media (prefers-color-scheme: dark) {
	    :root { --line: #33404d; --soft: #9aa7b4; --card: #1c242c;
		--page: #12181e; --ink: #e4eaf0; --high: #ff8a80;
		--medium: #ffb162; --low: #e3cf5c; --info: #8ab8f0;
		--good: #6fd095 }
	}
	* { box-sizing: border-box }
	body { margin: 0; background: var(--page); color: var(--ink);
	    font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif }
	main { max-width: 70rem; margin: 0 auto; padding: 2rem 1rem 4rem }
	h1 { margin: 0; font-size: 1.7rem; overflow-wrap: anywhere }
	h2 { margin: 0 0 .6rem; font-size: 1.1rem }
	h3 { margin: 1rem 0 .3rem; font-size: .95rem; color: var(--soft) }
	p { margin: .2rem 0 }
	.soft { color: var(--soft) }
	section { background: var(--card); border: 1px solid var(--line);
	    border-radius: .6rem; padding: 1rem 1.2rem; margin: 1rem 0;
	    min-width: 0 }
	.grid { columns: 30rem; column-gap: 1rem }
	.grid section { margin: 0 0 1rem; break-inside: avoid }
	.wide ol { columns: 25rem; column-gap: 1.5rem }
	table { border-collapse: collapse; width: 100% }
	th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
	    border-top: 1px solid var(--line); overflow-wrap: anywhere }
	tr:first-child > * { border-top: 0 }
	th { font-weight: 500; color: var(--soft); width: 13rem }
	ol { margin: 0; padding-left: 2.2rem }
	code { font: .87em/1.5 ui-monospace, "DejaVu Sans Mono", monospace }
	.counts { display: flex; gap: .6rem; flex-wrap: wrap; margin: 1rem 0 0 }
	.count { border: 1px solid var(--line); border-radius: .5rem;
	    padding: .3rem .9rem; background: var(--card) }
	.count b { font-size: 1.25rem; margin-right: .3rem }
	.tag { display: inline-block; min-width: 4.6rem; text-align: center;
	    border-radius: 1rem; padding: 0 .6rem; font-size: .82rem;
	    font-weight: 600; border: 1px solid currentColor }
	.high { color: var(--high) } .medium { color: var(--medium) }
	.low { color: var(--low) } .info { color: var(--info) }
	.good { color: var(--good) }
	.findings th { width: 6.5rem }
	@media (max-width: 34rem) { th { width: 8rem } }
    }
}

# Page result -- the page.
proc ::pyossl::expect::probe::Page {result} {
    variable style
    variable severities
    set title [Html "[dict get $result host] port [dict get $result port]"]
    set counts ""
    foreach severity $severities {
	set n 0
	foreach finding [dict get $result findings] {
	    incr n [expr {[dict get $finding severity] eq $severity}]
	}
	append counts "<span class=\"count\"><b class=\"$severity\">$n</b>$severity</span>\n"
    }
    set suites ""
    set body "<h1>$title</h1>\n<p class=\"soft\">[Html "asked\
	[dict get $result time] at [dict get $result address], with\
	[dict get $result connections] connections"]</p>\n<div\
	class=\"counts\">\n$counts</div>\n[PageFindings $result]<div\
	class=\"grid\">\n"
    foreach {name rows} [Facts $result] {
	if {[llength $rows]} {
	    if {$name eq "Cipher suites"} {
		set suites [PageSuites $name $rows]
	    } else {
		append body "<section>\n<h2>[Html $name]</h2>\n[PageRows $rows]</section>\n"
	    }
	}
    }
    append body "</div>\n$suites"
    foreach certificate [dict get $result certificates] {
	append body [PageCertificate $certificate]
    }
    if {[dict exists $result incomplete certificates]} {
	append body "<p>Perhaps there are more certificates.</p>\n"
    }
    return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta\
	charset=\"utf-8\">\n<meta name=\"viewport\"\
	content=\"width=device-width, initial-scale=1\">\n<title>TLS of\
	$title</title>\n<style>[string map {\n\t \n \t {    }} $style]</style>\n</head>\n[string cat \
	"<body>\n<main>\n$body</main>\n</body>\n</html>\n"]"
}

proc ::pyossl::expect::probe::Html {text} {
    return [string map {&#9; " " &#10; " " &#13; " "} \
	[::pyossl::expect::quote::xml [Printable $text]]]
}

proc ::pyossl::expect::probe::PageFindings {result} {
    set rows ""
    foreach finding [dict get $result findings] {
	dict with finding {
	    append rows "<tr><th><span class=\"tag $severity\">$severity</span></th><td>[Html \
		$text]<br><span class=\"soft\">[Html "$why ($reference)"]</span></td></tr>\n"
	}
    }
    if {$rows eq ""} {
	return "<section>\n<h2>Findings</h2>\n<p class=\"good\">none</p>\n</section>\n"
    }
    return "<section class=\"findings\">\n<h2>Findings</h2>\n<table>\n$rows</table>\n</section>\n"
}

# Rows as a table; lists of names in their order as a numbered list.
proc ::pyossl::expect::probe::PageRows {rows} {
    set table ""
    foreach row $rows {
	lassign $row name value kind
	if {$kind eq "list"} {
	    set cell [PageList $value]
	} else {
	    set class [dict get {yes good no soft unknown soft} \
		[expr {$value in {yes no unknown} ? $value : "unknown"}]]
	    set cell [Html $value]
	    if {$value in {yes no unknown}} {
		set cell "<span class=\"$class\">$cell</span>"
	    }
	}
	append table "<tr><th>[Html $name]</th><td>$cell</td></tr>\n"
    }
    return "<table>\n$table</table>\n"
}

proc ::pyossl::expect::probe::PageList {names} {
    return "<ol>[join [lmap name $names {
	set item "<li><code>[Html $name]</code></li>"
    }] {}]</ol>"
}

# The cipher suites, which are many, in all the width there is.
proc ::pyossl::expect::probe::PageSuites {title rows} {
    set page "<section class=\"wide\">\n<h2>[Html $title]</h2>\n"
    foreach row $rows {
	lassign $row name value kind
	append page "<h3>[Html $name]</h3>\n[expr {$kind eq "list"
	    ? [PageList $value] : "<p>[Html $value]</p>"}]\n"
    }
    return "$page</section>\n"
}

proc ::pyossl::expect::probe::PageCertificate {certificate} {
    set verification [dict get $certificate verification]
    set class [dict get {ok good failed high unknown soft} $verification]
    set page "<section>\n<h2>Certificates in [Html \
	[join [dict get $certificate versions] {, }]]</h2>\n<p>Verification:\
	<span class=\"$class\">$verification</span></p>\n"
    foreach fault [dict get $certificate faults] {
	append page "<p class=\"medium\">[Html [dict get $fault text]]</p>\n"
    }
    set n 0
    foreach one [dict get $certificate chain] {
	append page "<h3>[incr n]</h3>\n[PageRows [CertificateRows $one]]"
    }
    return "$page</section>\n"
}
