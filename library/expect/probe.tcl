# probe.tcl --
#
#	probe asks a server what a security review asks.
#
#	    probe -> Begin -> scans, each a coroutine (scan*.tcl) -> result
#	                       |                                       |
#	                       +--> connections (scanwire.tcl)         v
#	                                              findings, text, JSON, HTML
#
#	What a server has is asked with ClientHellos made by the codec, so that
#	the answers are about the server and not about the TLS library on this
#	side; only what needs a whole handshake is done by an engine.

namespace eval ::pyossl::expect::probe {
    namespace eval data {}
    namespace eval run {}
    variable serial 0
    # The parts of a probe; -scan picks some.
    variable parts {suites groups signatures certificates extensions alpn
	sessions tolerance}
}

foreach name {
    names.tcl record.tcl message.tcl quote.tcl terminal.tcl scanwire.tcl
    scanhello.tcl scanengine.tcl scan.tcl scanfeature.tcl scancertificate.tcl
    probefinding.tcl probereport.tcl probepage.tcl
} {
    ::pyossl::expect::Load $name
}

# probe host port ?-option value ...?
#
#	Asks a server about its protocols, cipher suites, groups, signatures,
#	certificates, extensions, sessions and tolerance.
#
# Arguments:
#	-format dict|text|json|html	what is returned; default dict
#	-timeout SECONDS	the time of one connection; default 10
#	-parallel N	the most connections at one time; default 4
#	-servername NAME	the name asked for, and looked for in the
#		certificate; default HOST, unless that is an address
#	-cafile FILE	the authorities that are trusted; default the platform's
#	-starttls smtp|imap|pop3|ftp	what is spoken before TLS
#	-scan LIST	only some parts: suites groups signatures certificates
#		extensions alpn sessions tolerance; versions and suites always
#	-progress 0|1|COMMAND	1 shows the progress on stderr, which is the
#		default where that is a terminal; a command gets the scans done,
#		the scans known and the connections so far
# Results:
#	A dict as the manual page says, or text, JSON or a page of HTML.
# Errors:
#	PYOSSL EXPECT PROBE refused|timeout if nobody can be connected to.
#	PYOSSL EXPECT VALUE for a bad value, TCL LOOKUP INDEX for an option
#	there is not, TCL WRONGARGS.
# Source:
#	RFC 8446, RFC 5246, RFC 9325
proc ::pyossl::expect::probe {args} {
    if {[llength $args] < 2 || [llength $args] % 2
	    || [string match -* [lindex $args 0]]} {
	return -code error -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"probe host port ?-option value ...?\""
    }
    set words [lassign $args host port]
    set p [probe::Begin $host $port $words]
    upvar #0 $p P
    try {
	probe::Scan $p
	set result [probe::End $p]
	set format $P(-format)
    } finally {
	probe::Forget $p
    }
    return [probe::Format $format $result]
}

# probe::Begin host port words -- makes the array of a probe.
proc ::pyossl::expect::probe::Begin {host port words} {
    variable serial
    variable parts
    set options [Options $words]
    if {$host eq ""} {
	Value $host "a host must have a name"
    }
    if {![string is integer -strict $port] || $port < 1 || $port > 65535} {
	Value $port "a port is a number from 1 to 65535, not \"$port\""
    }
    set p [namespace current]::data::p[incr serial]
    upvar #0 $p P
    array set P $options
    set name [expr {$P(-servername) ne "" ? $P(-servername) : $host}]
    # Neither a hello nor a connection of the engine takes others.
    if {![regexp {^[\x01-\x7f]{1,255}$} $name]} {
	unset P
	Value $name "the name of a server is at most 255 characters of ASCII\
	    (xn-- for others)"
    }
    array set P [list host $host port $port address "" small 0 \
	starttls $P(-starttls) cafile $P(-cafile) verifyname $name \
	servername [expr {[IsAddress $name] ? "" : $name}] \
	timeout [expr {int(ceil($P(-timeout) * 1000))}] \
	free $P(-parallel) queue {} silent 0 connections 0 \
	patience [expr {2 * $P(-parallel) + 10}] \
	started [clock milliseconds] wait 0 known 0 done 0 failure {} \
	coroutines {} shown 0 \
	result [Blank $host $port]]
    return $p
}

# What is known before anything is asked: nothing.
proc ::pyossl::expect::probe::Blank {host port} {
    return [dict create host $host port $port address "" \
	time [clock format [clock seconds] -gmt 1 -format %Y-%m-%dT%H:%M:%SZ] \
	milliseconds 0 connections 0 \
	protocols [Every "no answer"] refusals [Every ""] suites {} \
	preferences {} groups {} grouppreferences {} dhbits "" signatures {} \
	certificates {} alpn {protocols unknown preference unknown} \
	resumption {id unknown ticket unknown psk unknown} tickets {} \
	early_data unknown renegotiation {secure unknown client unknown} \
	compression unknown extended_master_secret unknown \
	encrypt_then_mac unknown ocsp_stapling unknown \
	scts {handshake unknown certificate unknown} heartbeat unknown \
	fallback_scsv unknown downgrade_mark unknown \
	client_certificate unknown tolerance {} incomplete {} findings {}]
}

# A dict of all versions.
proc ::pyossl::expect::probe::Every {value} {
    variable versions
    return [concat {*}[lmap version $versions {list $version $value}]]
}

proc ::pyossl::expect::probe::Value {value message} {
    return -level 3 -code error \
	-errorcode [list PYOSSL EXPECT VALUE $value] $message
}

# The options with their defaults, checked.
proc ::pyossl::expect::probe::Options {words} {
    variable parts
    set options [dict create -format dict -timeout 10 -parallel 4 \
	-servername "" -cafile "" -starttls "" -scan $parts -progress ""]
    foreach {option value} $words {
	if {![dict exists $options $option]} {
	    set all [dict keys $options]
	    return -level 3 -code error \
		-errorcode [list TCL LOOKUP INDEX option $option] \
		"bad option \"$option\": must be [join [lrange $all 0 end-1] \
		{, }], or [lindex $all end]"
	}
	dict set options $option $value
    }
    dict with options {
	foreach {option choice} {
	    -format {dict text json html} -starttls {{} smtp imap pop3 ftp}
	} {
	    if {[set $option] ni $choice} {
		Value [set $option] "$option must be one of [join \
		    [lsearch -all -inline $choice ?*] {, }],\
		    not \"[set $option]\""
	    }
	}
	# Said so that it does not hold for what is no number either.
	if {![string is double -strict ${-timeout}]
		|| !(${-timeout} > 0 && ${-timeout} <= 1e6)} {
	    Value ${-timeout} "-timeout must be a number of seconds above 0,\
		not \"${-timeout}\""
	}
	if {![string is integer -strict ${-parallel}] || ${-parallel} < 1} {
	    Value ${-parallel} "-parallel must be a number above 0,\
		not \"${-parallel}\""
	}
	foreach option {-scan -progress} {
	    if {![string is list [set $option]]} {
		Value [set $option] "$option must be a list,\
		    not \"[set $option]\""
	    }
	}
	foreach part ${-scan} {
	    if {$part ni $parts} {
		Value $part "-scan knows [join $parts {, }], not \"$part\""
	    }
	}
	if {${-cafile} ne "" && ![file readable ${-cafile}]} {
	    Value ${-cafile} "-cafile \"${-cafile}\" cannot be read"
	}
	# Without this each handshake would fail, and only verification be
	# unknown.
	if {${-cafile} ne "" && ![HasAuthorities ${-cafile}]} {
	    Value ${-cafile} "-cafile \"${-cafile}\" has no certificates"
	}
    }
    return $options
}

# Is there anything in a file that verification could trust?
proc ::pyossl::expect::probe::HasAuthorities {file} {
    set ctx [::pyossl::ctx new TLS_CLIENT_METHOD]
    try {
	$ctx load_verify_locations $file
	return 1
    } on error {} {
	return 0
    } finally {
	$ctx destroy
    }
}

#------------------------------------------------------------------------
# Running the scans
#------------------------------------------------------------------------

# Scan p -- all of it: first the versions, then the suites, then the rest.
proc ::pyossl::expect::probe::Scan {p} {
    upvar #0 $p P
    variable versions
    Run $p [lmap version $versions {list ScanVersion $p $version}]
    set ends [lmap version $versions {set P(end,$version)}]
    if {$P(address) eq ""
	    && [lsearch -regexp -not $ends {^(refused|timeout)$}] < 0} {
	return -level 2 -code error -errorcode \
	    [list PYOSSL EXPECT PROBE $P(end,TLSv1.2)] "cannot connect to\
	    $P(host) port $P(port): [Noted $p refusals TLSv1.2]"
    }
    set spoken [lmap version $versions {
	if {[Noted $p protocols $version] ne "yes"} continue
	set version
    }]
    # The other scans ask for what was found here, and no more.
    Run $p [lmap version $spoken {list ScanSuites $p $version}]
    set scans {}
    set old [Old $p]
    set new [expr {"TLSv1.3" in $spoken ? "TLSv1.3" : ""}]
    foreach version [list $old $new] {
	if {$version eq ""} {
	    continue
	}
	lappend scans groups [list ScanGroups $p $version]
	# SSL 3 has no extensions that it could stumble over.
	if {$version ne "SSLv3"} {
	    lappend scans tolerance [list ScanTolerance $p $version]
	}
	if {$version in {TLSv1.2 TLSv1.3}} {
	    lappend scans signatures [list ScanSignatures $p $version]
	}
    }
    if {[llength $spoken]} {
	lappend scans groups [list ScanDh $p $old] \
	    certificates [list ScanCertificates $p] \
	    extensions [list ScanExtensions $p] \
	    extensions [list ScanCompression $p] \
	    extensions [list ScanFallback $p] \
	    alpn [list ScanAlpn $p] sessions [list ScanOldSessions $p]
    }
    if {$new ne ""} {
	lappend scans sessions [list ScanNewSessions $p]
    }
    set chosen {}
    foreach {part scan} $scans {
	if {$part in $P(-scan) && [lindex $scan end] ne ""} {
	    lappend chosen $scan
	}
    }
    Run $p $chosen
}

# Run p scans -- runs them side by side, and waits until all are done.
proc ::pyossl::expect::probe::Run {p scans} {
    upvar #0 $p P
    variable serial
    if {![llength $scans]} {
	return
    }
    incr P(known) [llength $scans]
    foreach scan $scans {
	set name [namespace current]::run::c[incr serial]
	dict set P(coroutines) $name 1
	coroutine $name [namespace current]::Alone $p $scan
    }
    set P(waiter) [info coroutine]
    while {[Running $p]} {
	if {$P(waiter) ne ""} {
	    yield
	} else {
	    ::pyossl::Vwait ${p}(wait)
	}
    }
    if {[dict size $P(coroutines)]} {
	# Tcl forgets an [interp cancel] that has hit an event handler.
	set P(coroutines) {}
	return -code error -errorcode {PYOSSL EXPECT PROBE interrupted} \
	    interrupted
    }
    if {$P(failure) ne ""} {
	return -options [lindex $P(failure) 1] [lindex $P(failure) 0]
    }
}

# Running p -- whether a scan is at work.  One whose coroutine has gone without
# a word was broken off.
proc ::pyossl::expect::probe::Running {p} {
    upvar #0 $p P
    foreach name [dict keys $P(coroutines)] {
	if {[llength [info commands $name]]} {
	    return 1
	}
    }
    return 0
}

# Alone p scan -- a scan in its coroutine. An error in it is that of the probe.
proc ::pyossl::expect::probe::Alone {p scan} {
    # Whoever has started it is not to be called from within.
    after 0 [list [info coroutine]]
    yield
    upvar #0 $p P
    if {[catch {
	{*}$scan
	incr P(done)
	Progress $p
    } message options]} {
	set P(failure) [list $message $options]
    }
    dict unset P(coroutines) [info coroutine]
    if {$P(waiter) ne ""} {
	after 0 [list $P(waiter)]
    }
    set P(wait) 1
}

# A probe goes.  Where its wait was broken off, its scans are still there: they
# ask no more, and the rest goes after the last of them, which need not have
# come to its end.
proc ::pyossl::expect::probe::Forget {p} {
    upvar #0 $p P
    ShowEnd $p
    if {[Running $p]} {
	set P(waiter) ""
	set P(patience) -1
	set P(-progress) 0
	after 100 [list [namespace current]::Forget $p]
    } else {
	unset P
    }
}

proc ::pyossl::expect::probe::End {p} {
    upvar #0 $p P
    variable versions
    # In the order of the versions, not of the answers.
    foreach key {suites preferences groups grouppreferences signatures tickets
	    tolerance} {
	set sorted {}
	foreach version $versions {
	    if {[dict exists $P(result) $key $version]} {
		dict set sorted $version [Noted $p $key $version]
	    }
	}
	Note $p $key $sorted
    }
    set sorted {}
    foreach key {suites groups signatures certificates alpn} {
	if {[dict exists $P(result) incomplete $key]} {
	    dict set sorted $key [lsort [Noted $p incomplete $key]]
	}
    }
    Note $p incomplete $sorted
    Note $p address $P(address)
    Note $p connections $P(connections)
    Note $p milliseconds [expr {[clock milliseconds] - $P(started)}]
    Note $p findings [Findings $P(result)]
    return $P(result)
}

proc ::pyossl::expect::probe::Format {format result} {
    switch -- $format {
	text { return [Text $result] }
	json { return [Json $result] }
	html { return [Page $result] }
    }
    return $result
}

#------------------------------------------------------------------------
# Progress
#------------------------------------------------------------------------

# Progress p -- tells how far it is, to whom it is to be told.
proc ::pyossl::expect::probe::Progress {p} {
    upvar #0 $p P
    set to $P(-progress)
    if {$to eq ""} {
	set to [::pyossl::expect::terminal::present stderr]
	set P(-progress) $to
    }
    if {[string is false -strict $to]} {
	return
    }
    if {![string is true -strict $to]} {
	uplevel #0 [list {*}$to $P(done) $P(known) $P(connections)]
	return
    }
    # A line that is written over; not more often than one can read it.
    set now [clock milliseconds]
    if {$now - $P(shown) < 100} {
	return
    }
    set P(shown) $now
    set line "probing $P(host) port $P(port): $P(done) of $P(known) questions,\
	$P(connections) connections"
    puts -nonewline stderr "\r[string range $line 0 78]\033\[K"
    flush stderr
}

proc ::pyossl::expect::probe::ShowEnd {p} {
    upvar #0 $p P
    if {$P(shown)} {
	puts -nonewline stderr "\r\033\[K"
	flush stderr
    }
}
