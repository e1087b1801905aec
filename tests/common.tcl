# common.tcl --
#
#	Sourced first by every test file:
#
#	    source [file join [file dirname [info script]] common.tcl]
#	    ... tests ...
#	    cleanupTests
#
#	It loads tcltest and the package under test, and fails hard if it cannot.
#	It is the only place that sets constraints, and has the helpers by which
#	every wait is bounded and every outside program is killed.
#
#	Read from the environment:
#	PYOSSL_BUILD	the folder with the package (set by "make test")
#	PYOSSL_RUNNER	what child processes of tclsh run under, see all.tcl
#	PYOSSL_SANITIZER  asan, tsan or valgrind, if one of them is at work
#	CI, PYOSSL_REQUIRE_PEERS  if set and not 0, a missing outside program is
#			an error instead of a skipped test

package require Tcl 8.6-
package require tcltest 2.4
namespace import -force ::tcltest::*

namespace eval common {
    variable here [file dirname [file normalize [info script]]]
    variable dir ""		;# the temporary folder of this process
    variable peers {}		;# dict: handle -> dict of a running program
    variable serial 0
    # A tool that slows everything down stretches all the time limits.
    variable scale 1
    if {[info exists ::env(PYOSSL_SANITIZER)]} {
	set scale [dict get {asan 4 tsan 4 valgrind 20} $::env(PYOSSL_SANITIZER)]
    } elseif {$::tcl_platform(platform) eq "windows"} {
	# Its timers tick 64 times a second, and Wine takes its time.
	set scale 3
    }
}

# What was printed before a crash must not be lost with it.
fconfigure stdout -buffering line
if {[package vsatisfies [package provide Tcl] 9.0-]} {
    # Nor may what a test has got be no text for the terminal, and end the file.
    fconfigure stdout -profile replace
}

# The preloaded sanitizer has done its work in this process; outside programs
# must not inherit it.  [childtclsh] gives it to the processes that need it.
catch {unset ::env(LD_PRELOAD)}

if {$::tcl_platform(platform) eq "windows"} {
    source [file join $common::here wine.tcl]
}

#------------------------------------------------------------------------
# The package under test
#------------------------------------------------------------------------

if {[info exists ::env(PYOSSL_BUILD)]} {
    set ::auto_path [linsert $::auto_path 0 $::env(PYOSSL_BUILD)]
}
if {[catch {package require pyossl} message]} {
    puts stderr "common.tcl: the package cannot be loaded: $message"
    puts stderr $::errorInfo
    exit 3
}
unset -nocomplain message

#------------------------------------------------------------------------
# Temporary files
#------------------------------------------------------------------------

# tempdir --
#	The temporary folder of this process, removed when it ends.
proc tempdir {} {
    upvar #0 common::dir dir
    if {$dir eq ""} {
	set base [expr {[info exists ::env(TMPDIR)] ? $::env(TMPDIR)
		: [info exists ::env(TEMP)] ? $::env(TEMP) : "/tmp"}]
	for {set i 0} {1} {incr i} {
	    set dir [file join $base pyossl-[pid]-$i]
	    if {![file exists $dir]} {
		break
	    }
	}
	file mkdir $dir
    }
    return $dir
}

# testfile name ?contents? --
#	Writes a file of that name into the temporary folder and returns its
#	path.  The contents are bytes.
proc testfile {name {contents ""}} {
    set path [file join [tempdir] $name]
    set channel [open $path wb]
    puts -nonewline $channel $contents
    close $channel
    return $path
}

# readfile path --
#	The bytes of a file.
proc readfile {path} {
    set channel [open $path rb]
    try {
	return [read $channel]
    } finally {
	close $channel
    }
}

# filemode path --
#	The permissions of a file as three octal digits.  Tcl 8.6 has 00600 for
#	600, Tcl 9 has 0o600.
proc filemode {path} {
    return [string range [file attributes $path -permissions] end-2 end]
}

# A character beyond U+FFFF.  There is no way to write one that both know: to
# Tcl 8.6 it is two surrogates, which are no characters in Tcl 9, and Tcl 8.6
# knows no \U above FFFF.
set smiley [encoding convertfrom utf-8 \xf0\x9f\x98\x80]

#------------------------------------------------------------------------
# Platforms
#------------------------------------------------------------------------

# errno name ?os? --
#	The number that the platform, or another one, has for an errno.
proc errno {name {os ""}} {
    switch -- [expr {$os eq "" ? $::tcl_platform(os) : $os}] {
	"Windows NT" {
	    set numbers {EADDRINUSE 100 EALREADY 103 ECONNREFUSED 107
		ECONNRESET 108 EINPROGRESS 112 EISCONN 113 ENOTCONN 126 ETIMEDOUT 138}
	}
	Darwin - FreeBSD - OpenBSD - NetBSD {
	    set numbers {EADDRINUSE 48 EALREADY 37 ECONNREFUSED 61
		ECONNRESET 54 EINPROGRESS 36 EISCONN 56 ENOTCONN 57 ETIMEDOUT 60}
	}
	default {
	    set numbers {EADDRINUSE 98 EALREADY 114 ECONNREFUSED 111
		ECONNRESET 104 EINPROGRESS 115 EISCONN 106 ENOTCONN 107 ETIMEDOUT 110}
	}
    }
    return [dict get $numbers $name]
}

# The results of tests have the numbers of Linux in them.  Before [test]
# compares, they become the platform's; another number before an errno's name
# is none of its.
proc common::expected {text} {
    foreach {all number name} [regexp -all -inline {\m(\d+) (E[A-Z]+)} $text] {
	if {![catch {errno $name Linux} linux] && $number == $linux} {
	    set text [string map [list $all "[errno $name] $name"] $text]
	}
    }
    return $text
}
foreach {mode command} {
    exact {string equal} glob {string match} regexp {regexp --}
} {
    tcltest::customMatch $mode [list apply {{command wanted got} {
	{*}$command [::common::expected $wanted] $got
    }} $command]
}
unset mode command

# One of several results, a list: where releases of OpenSSL differ.
tcltest::customMatch oneof [list apply {{wanted got} {
    foreach result $wanted {
	if {[string equal [::common::expected $result] $got]} {
	    return 1
	}
    }
    return 0
}}]

# plainlines bytes --
#	What a program wrote, with the ends of lines that they have on Unix.
#	What has a NUL in it is no text.
proc plainlines {bytes} {
    if {$::tcl_platform(platform) ne "windows" || [string first \0 $bytes] >= 0} {
	return $bytes
    }
    return [string map {\r\r\n \n \r\n \n} $bytes]
}

# lingerbytes on seconds --
#	The platform's struct linger, for SO_LINGER.
proc lingerbytes {on seconds} {
    return [binary format [expr {$::tcl_platform(platform) eq "windows" ? "ss" : "ii"}] \
	    $on $seconds]
}

#------------------------------------------------------------------------
# Errors and bounded waits
#------------------------------------------------------------------------

# checkerr script --
#	Runs the script, which must fail, and returns {message errorCode}.
proc checkerr {script} {
    if {[catch {uplevel 1 $script} result options] != 1} {
	return [list "no error" $result]
    }
    return [list $result [dict get $options -errorcode]]
}

# waitfor varname ?ms? --
#	Runs the event loop until the variable is written, and returns its
#	value.  After ms milliseconds (default 10000) it is an error that says
#	"timeout".  The variable is global unless its name is qualified.
proc waitfor {varname {ms 10000}} {
    if {![string match ::* $varname]} {
	set varname ::$varname
    }
    upvar #0 $varname var
    set timer [after [expr {$ms * $::common::scale}] \
	    [list common::timeout $varname]]
    set ::common::expired($varname) 0
    vwait $varname
    after cancel $timer
    if {$::common::expired($varname)} {
	unset ::common::expired($varname)
	return -code error -errorcode {TEST TIMEOUT} \
		"timeout: $varname was not set within $ms ms"
    }
    unset -nocomplain ::common::expired($varname)
    return $var
}

# Ends a waitfor whose time is up.  The variable keeps its value.
proc common::timeout {varname} {
    set ::common::expired($varname) 1
    upvar #0 $varname var
    if {[info exists var]} {
	set var $var
    } else {
	set var timeout
    }
}

# waituntil expression ?ms? --
#	Runs the event loop until the expression, evaluated in the caller's
#	scope, is true; after ms milliseconds (default 10000) it is an error.
proc waituntil {expression {ms 10000}} {
    set end [expr {[clock milliseconds] + $ms * $::common::scale}]
    while {![uplevel 1 [list expr $expression]]} {
	if {[clock milliseconds] > $end} {
	    return -code error -errorcode {TEST TIMEOUT} \
		    "timeout: not within $ms ms: $expression"
	}
	after 5 {set ::common::tick 1}
	vwait ::common::tick
    }
}

# pause ms --
#	Runs the event loop for that long.
proc pause {ms} {
    after $ms {set ::common::paused 1}
    vwait ::common::paused
}

# bounded ms script --
#	Runs the script in the caller's scope and returns its result; it is an
#	error if that took longer than ms.  Where the script waits in the event
#	loop and does not return at all, the process ends with a message, since
#	nothing can unwind a nested vwait from outside.
proc bounded {ms script} {
    set limit [expr {$ms * $::common::scale}]
    set timer [after [expr {$limit * 2 + 1000}] \
	    [list common::stuck $ms $script]]
    set start [clock milliseconds]
    try {
	set result [uplevel 1 $script]
    } finally {
	after cancel $timer
    }
    set took [expr {[clock milliseconds] - $start}]
    if {$took > $limit} {
	return -code error -errorcode {TEST TIMEOUT} \
		"timeout: took $took ms, allowed are $limit"
    }
    return $result
}

proc common::stuck {ms script} {
    puts stderr "bounded: still running long after $ms ms:\n$script"
    exit 4
}

#------------------------------------------------------------------------
# Outside programs
#------------------------------------------------------------------------

# childtclsh --
#	The words that start another tclsh in which the package can be loaded,
#	also under a sanitizer or valgrind:
#	    exec {*}[childtclsh] $script
proc childtclsh {} {
    set runner {}
    if {[info exists ::env(PYOSSL_RUNNER)]} {
	# all.tcl tells the reports of children by their name.
	set log $::env(PYOSSL_LOG)
	set runner [string map [list $log $log.child] $::env(PYOSSL_RUNNER)]
    }
    return [list {*}$runner [info nameofexecutable]]
}

# runscript script ?arg ...? --
#	Runs a script in another tclsh, with auto_path set so that the package
#	can be required, and returns {status output}: 0, an exit status or the
#	name of a signal, and what it wrote to both its outputs.
proc runscript {script args} {
    # Outside programs do without the sanitizer there too: ps never ends
    # with it.
    set preamble "set auto_path [list $::auto_path]
	unset -nocomplain env(LD_PRELOAD)\n"
    set path [testfile script[incr ::common::serial].tcl \
	    [encoding convertto utf-8 $preamble$script]]
    try {
	return [runprogram {*}[childtclsh] -encoding utf-8 $path {*}$args]
    } finally {
	file delete $path
    }
}

# runprogram word ?word ...? --
#	Runs an outside program to its end, for at most 60 seconds, while the
#	event loop of this process goes on serving it.  Returns {status output}
#	as [runscript] does.
proc runprogram {args} {
    set peer [startpeer $args]
    closestdin $peer
    return [waitpeer $peer 60000]
}

# startpeer command ?readyPattern? ?ms? --
#	Starts an outside program, given as a list of words, and returns a
#	handle.  Its input is a pipe that stays open, its outputs are collected.
#	With a pattern (a regular expression) it waits until the output matches,
#	for at most ms milliseconds (default 10000).
proc startpeer {command {ready ""} {ms 10000}} {
    upvar #0 common::peers peers
    set channel [open |[list {*}$command 2>@1] r+]
    fconfigure $channel -blocking 0 -buffering none -translation binary
    set peer peer[incr ::common::serial]
    dict set peers $peer [dict create channel $channel output "" ended 0 \
	    status "" command $command]
    fileevent $channel readable [list common::peerReadable $peer]
    if {$ready ne ""} {
	waitpeeroutput $peer $ready $ms
    }
    return $peer
}

proc common::peerReadable {peer} {
    variable peers
    set channel [dict get $peers $peer channel]
    set data [read $channel]
    dict set peers $peer output [dict get $peers $peer output]$data
    if {[eof $channel]} {
	peerEnded $peer
    }
}

# The program has closed its outputs: take its status.
proc common::peerEnded {peer} {
    variable peers
    set channel [dict get $peers $peer channel]
    fconfigure $channel -blocking 1
    set status 0
    if {[catch {close $channel} message info]} {
	set code [dict get $info -errorcode]
	switch -- [lindex $code 0] {
	    CHILDSTATUS - CHILDKILLED {
		set status [lindex $code 2]
	    }
	}
    }
    dict set peers $peer status $status
    dict set peers $peer ended 1
}

# waitpeeroutput peer pattern ?ms? --
#	Waits until the output of a program matches a regular expression, and
#	returns what matched: the first group if there is one.
proc waitpeeroutput {peer pattern {ms 10000}} {
    set end [expr {[clock milliseconds] + $ms * $::common::scale}]
    while {![regexp -line -- $pattern [peeroutput $peer] all group]} {
	set gone [dict get $::common::peers $peer ended]
	if {$gone || [clock milliseconds] > $end} {
	    set output [stoppeer $peer]
	    return -code error -errorcode {TEST TIMEOUT} \
		    "[expr {$gone ? {ended} : {timeout}}] before \"$pattern\" came: $output"
	}
	after 5 {set ::common::tick 1}
	vwait ::common::tick
    }
    return [expr {$group ne "" ? $group : $all}]
}

# peeroutput peer --
#	All that a program has written so far.
proc peeroutput {peer} {
    return [plainlines [dict get $::common::peers $peer output]]
}

# peersend peer text --
#	Writes to the input of a program.
proc peersend {peer text} {
    puts -nonewline [dict get $::common::peers $peer channel] $text
}

# peerpath path --
#	A path as an outside program has to have it in a file that it reads.
#	Under Wine it is one of the Unix side, where paths among its arguments
#	are looked after (win/bridge.tcl).
proc peerpath {path} {
    if {![info exists ::env(PYOSSL_BRIDGE)]} {
	return $path
    }
    return [string map -nocase [list Z:/ / C:/ $::env(WINEPREFIX)/drive_c/] \
	    [file normalize $path]]
}

# closestdin peer --
#	Ends the input of a program.
proc closestdin {peer} {
    catch {close [dict get $::common::peers $peer channel] write}
}

# waitpeer peer ?ms? --
#	Waits until a program ends by itself, and returns {status output}.  If
#	it does not, it is killed, and that is an error.
proc waitpeer {peer {ms 10000}} {
    upvar #0 common::peers peers
    set end [expr {[clock milliseconds] + $ms * $::common::scale}]
    while {![dict get $peers $peer ended]} {
	if {[clock milliseconds] > $end} {
	    set output [stoppeer $peer]
	    return -code error -errorcode {TEST TIMEOUT} \
		    "timeout: the program did not end within $ms ms: $output"
	}
	after 5 {set ::common::tick 1}
	vwait ::common::tick
    }
    set result [list [dict get $peers $peer status] [peeroutput $peer]]
    dict unset peers $peer
    return $result
}

# stoppeer peer --
#	Kills a program, if it still runs, and returns all its output.
proc stoppeer {peer} {
    upvar #0 common::peers peers
    if {![dict exists $peers $peer]} {
	return ""
    }
    if {![dict get $peers $peer ended]} {
	foreach pid [pid [dict get $peers $peer channel]] {
	    common::kill $pid
	}
	set end [expr {[clock milliseconds] + 3000}]
	while {![dict get $peers $peer ended] && [clock milliseconds] < $end} {
	    after 5 {set ::common::tick 1}
	    vwait ::common::tick
	}
	if {![dict get $peers $peer ended]} {
	    # A grandchild holds the pipe.
	    catch {close [dict get $peers $peer channel]}
	}
    }
    set output [peeroutput $peer]
    dict unset peers $peer
    return $output
}

proc common::kill {pid} {
    if {$::tcl_platform(platform) eq "windows"} {
	# Wine's taskkill does not know /T.
	if {[catch {exec taskkill /F /T /PID $pid}]} {
	    catch {exec taskkill /F /PID $pid}
	}
    } else {
	catch {exec sh -c "kill -KILL $pid" 2>@1}
    }
}

# freeport --
#	A TCP port that was free a moment ago.  Only for programs that cannot
#	be told to take port 0 and to say which they got; it is a race.
proc freeport {} {
    while 1 {
	set port [expr {20000 + int(rand() * 12000)}]
	if {![catch {socket -server list -myaddr 127.0.0.1 $port} channel]} {
	    close $channel
	    return $port
	}
    }
}

#------------------------------------------------------------------------
# Releases of what the tests talk to
#------------------------------------------------------------------------

# peerolder name release --
#	Is it older than that release? The names:
#	    pyossl	the OpenSSL that the package under test runs with
#	    openssl	the program
#	    curl	the OpenSSL in it
#	    gnutls	gnutls-cli and gnutls-serv
#	    tshark	the program
#	    tls		the Tcl package
#	What is not there is older than all; the tests with it are skipped.
proc peerolder {name release} {
    upvar #0 common::releases releases
    if {![info exists releases($name)]} {
	set text ""
	switch -- $name {
	    pyossl { set text [pyossl::version] }
	    openssl { catch {exec openssl version} text }
	    curl { catch {exec curl --version} text }
	    gnutls { catch {exec gnutls-cli --version} text }
	    tshark { catch {exec tshark --version 2>@1} text }
	    tls {
		if {[common::hasPackage tls]} {
		    set text "tls [lindex [lsort -command {package vcompare} \
			[package versions tls]] end]"
		}
	    }
	}
	set word [dict get {pyossl {OpenSSL } openssl {OpenSSL } curl OpenSSL/
	    gnutls {gnutls-cli } tshark {TShark \(Wireshark\) } tls {tls }} $name]
	if {![regexp "${word}(\\d+(?:\\.\\d+)+)" $text -> releases($name)]} {
	    set releases($name) 0
	}
    }
    return [expr {[package vcompare $releases($name) $release] < 0}]
}

# defaultgroup ?peer? --
#	The group of the key exchange in TLS 1.3 between this package and a peer,
#	where neither asks for another: the hybrid one that OpenSSL 3.5 puts first,
#	if both have that.
proc defaultgroup {{peer pyossl}} {
    return [expr {[peerolder pyossl 3.5] || [peerolder $peer 3.5] ? "x25519"
	    : "X25519MLKEM768"}]
}

#------------------------------------------------------------------------
# Constraints
#------------------------------------------------------------------------

# Must every outside program be there?
proc common::required {} {
    foreach name {CI PYOSSL_REQUIRE_PEERS} {
	if {[info exists ::env($name)] && $::env($name) ni {"" 0 false}} {
	    return 1
	}
    }
    return 0
}

# Sets the constraint of an outside program, and insists on it where asked to.
proc common::peerConstraint {name present} {
    if {!$present && [required] && $::tcl_platform(platform) eq "unix"} {
	puts stderr "common.tcl: \"$name\" is missing, and all peers are required here"
	exit 3
    }
    testConstraint $name $present
}

# Is there a package of that name?  Does not load it.
proc common::hasPackage {name} {
    variable scanned
    if {![info exists scanned]} {
	catch {package require no-such-package-[pid]}
	set scanned 1
    }
    return [expr {[llength [package versions $name]] > 0}]
}

apply {{} {
    # unix and win are tcltest's own.
    foreach {name program} {
	openssl openssl gnutls gnutls-cli gnutlsserv gnutls-serv curl curl
	nginx nginx python3 python3 tshark tshark tmux tmux
	expect expect
    } {
	common::peerConstraint $name [expr {[auto_execok $program] ne ""
		|| [file executable /usr/sbin/$program]}]
    }
    # Can a program have a terminal?  Not in a system without /dev/pts.
    testConstraint pty [expr {$::tcl_platform(platform) eq "unix"
	    && ![catch {exec sh -c ": <>/dev/ptmx" 2>@1}]}]
    foreach {name package} {thread Thread tls tls tcllib md5
	    vfs vfs::zip} {
	common::peerConstraint $name [common::hasPackage $package]
    }
    # OpenSSL's provider of old algorithms, which is a file of its own.
    common::peerConstraint legacy [expr {[testConstraint openssl] && ![catch {
	exec openssl list -providers -provider legacy
    }]}]
    testConstraint tcl9 [package vsatisfies [package provide Tcl] 9.0-]
    testConstraint asan 0
    testConstraint tsan 0
    testConstraint valgrind 0
    if {[info exists ::env(PYOSSL_SANITIZER)]} {
	testConstraint $::env(PYOSSL_SANITIZER) 1
    }
    # Does [pyossl::stats] count OpenSSL's allocations?
    testConstraint allocations [dict exists [pyossl::stats] allocations]
    # For tests that measure time: only where nothing slows the program down.
    testConstraint fast [expr {![info exists ::env(PYOSSL_SANITIZER)]}]
    # Is there an IPv6 loopback?
    testConstraint ipv6 [expr {![catch {
	close [socket -server list -myaddr ::1 0]
    }]}]
    # Does openssl s_server serve while its input is a pipe?  On Windows it
    # wants the keyboard of a console; under Wine it is the Unix side's.
    testConstraint sserver [expr {[testConstraint openssl]
	    && ($::tcl_platform(platform) eq "unix"
	    || [info exists ::env(PYOSSL_BRIDGE)])}]
    # Does a reset come through?  Wine's select takes it away, and leaves an
    # end of file.
    testConstraint resets [expr {$::tcl_platform(platform) eq "unix"
	    || ![info exists ::env(WINEPREFIX)]}]
    # Are the ends of a socket its own?  On Windows Tcl is told of them with the
    # socket's number, and may take one that comes late for the end of the
    # next socket with that number: once in a thousand connections.
    testConstraint ownends [expr {$::tcl_platform(platform) eq "unix"}]
    # Is a reader told of all that comes?  Under Wine Tcl's sockets are told
    # nothing, now and then, of an answer that comes at once: the bytes are
    # there, and no event.
    testConstraint told [expr {$::tcl_platform(platform) eq "unix"
	    || ![info exists ::env(WINEPREFIX)]}]
    # Is a connect tried anew after a failed one?  Under Wine Linux tells first,
    # by ECONNABORTED, that the old one has ended.
    testConstraint reconnects [expr {$::tcl_platform(platform) eq "unix"
	    || ![info exists ::env(WINEPREFIX)]}]
    # Does a connect wait where a listener's queue is full?  Elsewhere it is
    # refused.
    testConstraint fullqueue [expr {$::tcl_platform(os) eq "Linux"}]
    # Are connections shared out among the listeners on a port?
    testConstraint reuseport [expr {$::tcl_platform(os) eq "Linux"}]
    # Is there time for ready conversations by the hundred?  Under Wine a program
    # takes its time to start, and so does a wait that ends by its limit: there
    # a part of each kind has to do.
    testConstraint bulk [expr {$::tcl_platform(platform) eq "unix"
	    || ![info exists ::env(WINEPREFIX)]}]
    # Does the kernel do TLS?  It says so once its module is loaded; no system
    # but Linux is asked.  OpenSSL has to be one that can use it (enable-ktls),
    # as those of the distributions are.
    testConstraint ktls [expr {![catch {
	readfile /proc/sys/net/ipv4/tcp_available_ulp
    } names] && "tls" in $names}]
    testConstraint root [expr {$::tcl_platform(platform) eq "unix"
	    && $::tcl_platform(user) eq "root"}]
}}

#------------------------------------------------------------------------
# Certificates, the command line and the end
#------------------------------------------------------------------------

source [file join $::common::here certs.tcl]

# certfile name --
#	The path of one of the test certificates, see certs.tcl.
proc certfile {name} {
    return [file join [certs::dir] $name]
}

tcltest::configure -tmpdir [tempdir] {*}$::argv

# Whatever way the process ends, it leaves no program and no file behind.
rename exit common::exit
proc exit {{status 0}} {
    common::cleanup
    common::exit $status
}
proc common::cleanup {} {
    variable peers
    variable dir
    foreach peer [dict keys $peers] {
	catch {stoppeer $peer}
    }
    if {$dir ne ""} {
	cd $::common::here
	catch {file delete -force $dir}
	set dir ""
    }
}
