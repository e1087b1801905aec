# mkdoc.tcl --
#
#	Makes manual pages (.n) and HTML from the doctools pages (.man).
#
#	tclsh mkdoc.tcl SOURCE TARGET VERSION
#
#	doc/ctx.man, the page of pyossl::ctx, becomes pyossl_ctx.n: in the folder
#	where manual pages are installed, socket.n and its like are Tcl's own.
#
#	@VERSION@ in a page stands for the version.  A page with an error or a
#	warning fails the run, so that "make doc" is also the pages' test.

package require Tcl 8.6-
if {[catch {package require doctools}]} {
    puts stderr "mkdoc: error: the Tcl package doctools is missing (Debian: tcllib)"
    exit 1
}

# Formats one page and returns the text.
proc formatPage {path format version} {
    set channel [open $path]
    fconfigure $channel -encoding utf-8
    set text [string map [list @VERSION@ $version] [read $channel]]
    close $channel
    doctools::new page -format $format -file $path \
	    -module pyossl -ibase [file dirname $path]
    try {
	set result [page format $text]
	set warnings [page warnings]
    } finally {
	page destroy
    }
    if {[llength $warnings]} {
	return -code error [join $warnings \n]
    }
    return $result
}

lassign $argv source target version
if {$version eq ""} {
    puts stderr "usage: mkdoc.tcl SOURCE TARGET VERSION"
    exit 2
}
file mkdir $target
# The names of pages, as they stand in the HTML, and links in their place.
set links {pyossl(n) {<a href="pyossl.html">pyossl(n)</a>}}
foreach path [glob -nocomplain -directory $source *.man] {
    set page [file rootname [file tail $path]]
    set name [string cat pyossl:: $page (n)]
    lappend links $name "<a href=\"pyossl_$page.html\">$name</a>"
}
set pages 0
set failed 0
foreach path [lsort [glob -nocomplain -directory $source *.man]] {
    incr pages
    foreach {kind suffix} {nroff .n html .html} {
	if {[catch {formatPage $path $kind $version} result]} {
	    puts stderr "[file tail $path]: $result"
	    incr failed
	    break
	}
	set name [file rootname [file tail $path]]
	if {$name ne "pyossl"} {
	    set name pyossl_$name
	}
	if {$kind eq "html"} {
	    set result [string map $links $result]
	}
	set channel [open [file join $target $name$suffix] w]
	fconfigure $channel -encoding utf-8 -translation lf
	puts $channel $result
	close $channel
    }
}
puts "mkdoc: $pages pages, $failed with errors"
exit [expr {$failed > 0}]
