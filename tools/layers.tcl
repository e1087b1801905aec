# layers.tcl --
#
#	Checks who calls whom.  Every C file has a layer, and its functions call
#	only into lower ones; no circle of files can then exist, and a file can be
#	read with nothing in mind but what is below it.
#
#	tclsh tools/layers.tcl BUILD-FOLDER
#
#	The calls are read from the symbol tables of the objects (nm), so a macro
#	or a function pointer in a table counts as well.  Data is exempt: anyone
#	may name a class descriptor.  Besides that it finds
#	 - C files that configure.in or the table below does not list,
#	 - symbols that the shared library should not export,
#	 - files above 800 lines and functions above 80 (a warning), files above
#	   850 (an error),
#	 - "#ifdef _WIN32" outside pyosslInt.h.

package require Tcl 8.6-

namespace eval layers {
    variable source [file dirname [file dirname [file normalize [info script]]]]

    # The layers from the bottom up.  Files on one line do not call each
    # other; a line may call into all the lines above it.  "1b" and the like
    # say where in the picture of doc/internals.md a line is.
    variable table {
	1	{pyosslStats pyosslError}
	1	{pyosslConst pyosslObject}
	1	{pyosslConvert pyosslLoop}
	1	{pyosslCallback}
	1b	{pyosslUnixSock pyosslWinSock}
	1b	{pyosslUnixKtls}
	1b	{pyosslUnixPoll pyosslWinPoll}
	1b	{pyosslSockAddr}
	1b	{pyosslSock}
	2	{pyosslUnixRand pyosslWinRand pyosslUnixTrust pyosslWinTrust}
	2	{pyosslBio}
	2	{pyosslBioChan}
	2	{pyosslLegacy}
	2	{pyosslKeyFile}
	2	{pyosslPkey pyosslName pyosslExt}
	2	{pyosslRevoked}
	2	{pyosslX509 pyosslReq}
	2	{pyosslCrl pyosslStore}
	2	{pyosslPkcs7 pyosslPkcs12 pyosslSpki}
	2	{pyosslPkcs12Load}
	2	{pyosslCrypto pyosslRand pyosslSeal}
	3	{pyosslCtxData}
	3	{pyosslTlsFail}
	3	{pyosslTls}
	3	{pyosslCtxCb}
	4	{pyosslCtxSet pyosslCtxNames pyosslCtxFile}
	4	{pyosslCtxLoad pyosslCtxTrust}
	4	{pyosslCtx pyosslChanBuffer}
	4	{pyosslChanEvent}
	4	{pyosslChanMake}
	4	{pyosslChan}
	4	{pyosslChanStack}
	5	{pyosslConnStep}
	5	{pyosslConnSock pyosslConnInfo pyosslConnIo}
	5	{pyosslConn}
	5b	{pyosslKeep}
	5b	{pyosslServer}
	5b	{pyosslListen}
	5b	{pyosslSocket}
	6	{pyossl}
    }
    variable exported {Pyossl_Init Pyossl_SafeInit}
    variable fileWarning 800
    variable fileError 850
    variable functionWarning 80
    variable errors 0
    variable warnings 0
}

proc layers::complain {text} {
    variable errors
    incr errors
    puts "error: $text"
}

proc layers::warn {text} {
    variable warnings
    incr warnings
    puts "warning: $text"
}

# The place of each file: its line in the table, and the layer's name.
proc layers::places {} {
    variable table
    set line 0
    set places {}
    foreach {layer files} $table {
	incr line
	foreach file $files {
	    dict set places $file [list $line $layer]
	}
    }
    return $places
}

# Which functions an object defines, and which symbols it needs.
proc layers::symbols {object definedVar neededVar} {
    upvar 1 $definedVar defined $neededVar needed
    set name [file rootname [file tail $object]]
    foreach line [split [exec nm -p $object] \n] {
	if {[regexp {^\s*[0-9a-fA-F]*\s+([A-Za-z]) (\S+)$} $line - kind symbol]} {
	    switch -- $kind {
		T {
		    dict set defined $symbol $name
		}
		U {
		    dict lappend needed $name $symbol
		}
	    }
	}
    }
}

# Every call from one file into another must go down.
proc layers::checkCalls {build} {
    set places [places]
    set defined {}
    set needed {}
    set objects [glob -nocomplain -directory $build *.o *.obj]
    if {![llength $objects]} {
	complain "there are no objects in $build; build first"
    }
    foreach object $objects {
	symbols $object defined needed
    }
    set calls 0
    dict for {from symbols} $needed {
	foreach symbol [lsort -unique $symbols] {
	    if {![dict exists $defined $symbol]} {
		continue
	    }
	    set to [dict get $defined $symbol]
	    incr calls
	    if {![dict exists $places $from] || ![dict exists $places $to]} {
		continue
	    }
	    lassign [dict get $places $from] fromLine fromLayer
	    lassign [dict get $places $to] toLine toLayer
	    if {$toLine >= $fromLine} {
		complain "$from.c (layer $fromLayer) calls $symbol in $to.c (layer $toLayer)"
	    }
	}
    }
    return [list [llength $objects] $calls]
}

# Only the two functions that [load] looks for may be seen from outside.
proc layers::checkExports {build} {
    variable exported
    foreach library [glob -nocomplain -directory $build *pyossl*.so] {
	foreach line [split [exec nm -D --defined-only $library] \n] {
	    set symbol [lindex $line end]
	    if {$symbol ne "" && $symbol ni $exported} {
		complain "[file tail $library] exports $symbol"
	    }
	}
    }
}

# How long files and functions are, and where platforms are told apart.  A
# function is what stands between "{" and "}" in the first column.
proc layers::checkSource {path} {
    variable fileWarning
    variable fileError
    variable functionWarning
    set name [file tail $path]
    if {[file extension $name] eq ".c" && ![dict exists [places] [file rootname $name]]} {
	complain "$name has no layer in tools/layers.tcl"
    }
    set channel [open $path]
    set lines [split [string trimright [read $channel] \n] \n]
    close $channel
    if {[llength $lines] > $fileError} {
	complain "$name has [llength $lines] lines"
    } elseif {[llength $lines] > $fileWarning} {
	warn "$name has [llength $lines] lines"
    }
    set number 0
    set start 0
    set function ""
    foreach line $lines {
	incr number
	if {[regexp {^(?:\w+[\s*]+)*(\w+)\($} $line - word]
		|| [regexp {^(?:\w+[\s*]+)*(\w+)\([^;]*$} $line - word]} {
	    set function $word
	} elseif {$line eq "\{"} {
	    set start $number
	} elseif {$line eq "\}" && $start} {
	    set length [expr {$number - $start + 1}]
	    if {$length > $functionWarning} {
		warn "$name: $function has $length lines"
	    }
	    set start 0
	}
	if {$name ne "pyosslInt.h"
		&& [regexp {^\s*#\s*(if|ifdef|ifndef|elif)\M.*\m(_WIN32|WIN32|__WIN32__)\M} $line]} {
	    complain "$name:$number: platforms are told apart by whole files"
	}
    }
}

# The list in configure.in against the files that there are.
proc layers::checkList {} {
    variable source
    set channel [open [file join $source configure.in]]
    set listed [regexp -all -inline {\mpyossl\w*\.c\M} [read $channel]]
    close $channel
    set present [lmap path [glob -nocomplain -directory $source \
	    generic/*.c unix/*.c win/pyossl*.c] {file tail $path}]
    foreach name [lsort $present] {
	if {$name ni $listed} {
	    complain "$name is not in the list of configure.in"
	}
    }
    foreach name [lsort $listed] {
	if {$name ni $present} {
	    warn "$name is listed in configure.in but not written yet"
	}
    }
}

proc layers::main {argv} {
    variable source
    variable errors
    variable warnings
    if {[llength $argv] != 1} {
	puts stderr "usage: layers.tcl BUILD-FOLDER"
	return 2
    }
    lassign [checkCalls [lindex $argv 0]] files calls
    checkExports [lindex $argv 0]
    checkList
    foreach path [lsort [glob -nocomplain -directory $source generic/*.{c,h} \
	    unix/*.{c,h} win/pyossl*.{c,h}]] {
	checkSource $path
    }
    puts "layers: $files files, $calls calls between them,\
	    $errors errors, $warnings warnings"
    return [expr {$errors > 0}]
}

exit [layers::main $argv]
